import { defined } from '../json.ts'

/** A position as an editor counts it, from 1, and the line that it is in. */
export interface Position {
  readonly file?: string
  readonly line: number
  readonly column: number
  readonly text: string
}

/** A piece of rule text, and where its offsets stand for the person who wrote it. */
export interface Text {
  readonly value: string
  position(offset: number): Position
}

/** A spot in a text. Tree nodes carry one, so that a mistake found late still points at its cause. */
export interface Mark {
  readonly text: Text
  readonly offset: number
}

/** Text as it stands in a file, or by itself. */
export const plainText = (value: string, file?: string): Text => ({
  value,
  position(offset) {
    const before = value.slice(0, offset).split(/\r\n|\r|\n/)
    const rest = /^[^\r\n]*/.exec(value.slice(offset))?.[0] ?? ''
    const start = before.at(-1) ?? ''
    return defined<Position>({ file, line: before.length, column: start.length + 1, text: start + rest })
  },
})

/** Text made of other texts and of what holds them together; a position in it is one in the part that it came from. */
export function joinTexts(parts: readonly (Text | string)[]): Text {
  return {
    value: parts.map((part) => (typeof part === 'string' ? part : part.value)).join(''),
    position(offset) {
      let rest = offset
      let nearest: Position | undefined
      for (const part of parts) {
        const { length } = typeof part === 'string' ? part : part.value
        if (typeof part !== 'string') nearest = part.position(Math.min(Math.max(rest, 0), length))
        if (rest < length && nearest !== undefined) return nearest
        rest -= length
      }
      return nearest ?? { line: 1, column: 1, text: '' }
    },
  }
}

/** The text with one range of it exchanged. What came in stands where the range began. */
export function replaceRange(text: Text, start: number, end: number, replacement: string): Text {
  const stop = start + replacement.length
  return {
    value: text.value.slice(0, start) + replacement + text.value.slice(end),
    position: (offset) => text.position(offset < start ? offset : offset < stop ? start : offset - stop + end),
  }
}

export type RuleErrorCode =
  /** Not YAML, or not a rule file's shape. */
  | 'ERR_RULE_FILE'
  /** A condition or template that does not follow its grammar. */
  | 'ERR_RULE_SYNTAX'
  /** A field that does not exist for the rule's source. */
  | 'ERR_RULE_FIELD'
  /** A macro that does not exist, or that leads back to itself. */
  | 'ERR_RULE_MACRO'
  /** An operator that its field cannot take, or a value that its operator cannot take. */
  | 'ERR_RULE_TYPE'
  | 'ERR_RULE_LIMIT'

/** A mistake in a rule file: what, where, and the line with a caret under the spot. */
export class RuleError extends Error {
  readonly code: RuleErrorCode
  readonly problem: string
  readonly position: Position

  constructor(code: RuleErrorCode, problem: string, position: Position) {
    super(`${formatPosition(position)}: ${problem}`)
    this.name = 'RuleError'
    this.code = code
    this.problem = problem
    this.position = position
  }

  get excerpt(): string {
    return excerpt(this.position)
  }
}

/** For use where an expression is expected. */
export function fail(code: RuleErrorCode, problem: string, at: Mark): never {
  throw new RuleError(code, problem, at.text.position(at.offset))
}

/** What is no mistake yet worth a look. */
export interface Warning {
  readonly problem: string
  readonly position: Position
}

export const formatWarning = ({ problem, position }: Warning): string => `${formatPosition(position)}: ${problem}`

/** As much of a line as stands around a spot on a screen. */
const EXCERPT_CHARS = 100

/** The line, or what is around the spot in a long one, with a caret below. */
export function excerpt({ text, column }: Position): string {
  const from = Math.max(0, column - 1 - EXCERPT_CHARS / 2)
  const shown = text.slice(from, from + EXCERPT_CHARS)
  const pad = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  return `${shown}\n${pad}^`
}

/** `file:line:column`, which editors and CI turn into links. */
const formatPosition = ({ file, line, column }: Position): string =>
  file === undefined ? `${line}:${column}` : `${file}:${line}:${column}`
