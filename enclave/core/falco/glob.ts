import { RE2JS } from 're2js'

/** A bracket expression (whose first `]` is a member), an escaped character, or any one character. */
const TOKEN = /\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\[^]|[^\]\\])+|\])\]|\\([^])|[^]/gu
const BRACKET_ITEM = /\[:[a-z]+:\]|\\?([^])/gu

/** A shell pattern as fnmatch(3) without flags reads it, over the whole text: `*` also crosses `/`. Linear in the text. */
export function globPattern(glob: string): RE2JS {
  const pattern = glob.replace(TOKEN, (token: string, negation: string, items?: string, escaped?: string) => {
    if (items !== undefined) return `[${negation === '' ? '' : '^'}${items.replace(BRACKET_ITEM, bracketItem)}]`
    if (token === '*') return '.*'
    if (token === '?') return '.'
    return RE2JS.quote(escaped ?? token)
  })
  return RE2JS.compile(pattern, RE2JS.DOTALL)
}

/** Ranges and classes mean the same to RE2; all else stands for itself. */
const bracketItem = (item: string, character: string | undefined): string =>
  character === undefined || character === '-' ? item : RE2JS.quote(character)
