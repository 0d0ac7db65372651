import { defined } from '../json.ts'

/** A position as an editor counts it, from 1. */
export interface Position {
  readonly file?: string
  readonly line: number
  readonly column: number
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
    const lines = value.slice(0, offset).split(/\r\n|\r|\n/)
    return defined<Position>({ file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 })
  },
})

export type RuleErrorCode =
  /** Not YAML, or not a rule file's shape. */
  | 'ERR_RULE_FILE'
  /** A condition or template that does not follow its grammar. */
  | 'ERR_RULE_SYNTAX'
  /** A field or macro that does not exist. */
  | 'ERR_RULE_UNKNOWN'
  /** An operator that its field cannot take, or a value that its operator cannot take. */
  | 'ERR_RULE_TYPE'
  /** Part of Falco's language that is not evaluated yet. */
  | 'ERR_RULE_UNSUPPORTED'
  | 'ERR_RULE_LIMIT'

export class RuleError extends Error {
  readonly code: RuleErrorCode
  readonly position: Position

  constructor(code: RuleErrorCode, problem: string, position: Position) {
    super(`${formatPosition(position)}: ${problem}`)
    this.name = 'RuleError'
    this.code = code
    this.position = position
  }
}

/** For use where an expression is expected. */
export function fail(code: RuleErrorCode, problem: string, at: Mark): never {
  throw new RuleError(code, problem, at.text.position(at.offset))
}

export const formatMark = ({ text, offset }: Mark): string => formatPosition(text.position(offset))

/** `file:line:column`, which editors and CI turn into links. */
const formatPosition = ({ file, line, column }: Position): string =>
  file === undefined ? `${line}:${column}` : `${file}:${line}:${column}`
