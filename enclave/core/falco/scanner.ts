import { fail, type Mark, type Text } from './source.ts'

const FIELD_NAME = /[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+/y
const BLANKS = /[ \t\b\r\n]+/y
const BARE_ARGUMENT = /[^[\]"' \t\n\v\f\r]+/y
const ESCAPE = /(?:\\x[0-9a-fA-F]{2})+|\\([^])/g

/** What stands behind a backslash, but for quotes. A blank is upstream's kindness to an old, wrongly escaped rule. */
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  ' ': '\\',
  '\\': '\\',
  '/': '/',
}

/** Walks over a text token by token; each `take` moves on only when its token is there. */
export class Scanner {
  readonly text: Text
  #offset = 0

  constructor(text: Text) {
    this.text = text
  }

  get done(): boolean {
    return this.#offset === this.text.value.length
  }

  mark(): Mark {
    return { text: this.text, offset: this.#offset }
  }

  blank(): boolean {
    return this.match(BLANKS) !== undefined
  }

  take(token: string): boolean {
    const found = this.text.value.startsWith(token, this.#offset)
    if (found) this.#offset += token.length
    return found
  }

  takeAny<T extends string>(tokens: readonly T[]): T | undefined {
    return tokens.find((token) => this.take(token))
  }

  /** One of the words, with the blank that must follow it. */
  takeWord<T extends string>(words: readonly T[]): T | undefined {
    const start = this.mark()
    const word = words.find((candidate) => this.text.value.startsWith(candidate, start.offset))
    this.#offset += word?.length ?? 0
    if (word !== undefined && this.blank()) return word
    this.back(start)
    return undefined
  }

  /** One of the names with `(` right behind it. */
  takeCall<T extends string>(names: readonly T[]): T | undefined {
    return names.find((name) => this.take(`${name}(`))
  }

  back(to: Mark): void {
    this.#offset = to.offset
  }

  /** The pattern must be sticky. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset
    const found = pattern.exec(this.text.value)?.[0]
    this.#offset += found?.length ?? 0
    return found
  }

  fieldName(): string | undefined {
    return this.match(FIELD_NAME)
  }

  /** `[arg]` or `["arg"]` right behind a field. */
  fieldArgument(): string | undefined {
    if (!this.take('[')) return undefined
    const arg =
      this.quoted() ??
      this.match(BARE_ARGUMENT) ??
      fail(
        'ERR_RULE_SYNTAX',
        'expected a field argument: a quoted string, or text without blanks, quotes and brackets',
        this.mark(),
      )
    if (!this.take(']')) fail('ERR_RULE_SYNTAX', "expected ']' after the field argument", this.mark())
    return arg
  }

  /**
   * A string in either kind of quotes. As upstream has it, a quote ends the string unless the character before it is a
   * backslash, even where that backslash is itself escaped.
   */
  quoted(): string | undefined {
    const { value } = this.text
    const quote = value[this.#offset]
    if (quote !== '"' && quote !== "'") return undefined
    const start = this.#offset + 1
    let end = value.indexOf(quote, start)
    while (end !== -1 && value[end - 1] === '\\') end = value.indexOf(quote, end + 1)
    if (end === -1) return undefined
    this.#offset = end + 1
    return value.slice(start, end).replace(ESCAPE, (run: string, escaped: string | undefined, at: number) => {
      if (escaped === undefined) return bytesToText(run)
      if (escaped === quote) return quote
      return (
        ESCAPES[escaped] ?? fail('ERR_RULE_SYNTAX', `unknown escape '${run}'`, { text: this.text, offset: start + at })
      )
    })
  }
}

/** `\xHH` is a byte, so neighbours may be one character of UTF-8. */
const bytesToText = (run: string): string => new TextDecoder().decode(Uint8Array.fromHex(run.replaceAll('\\x', '')))
