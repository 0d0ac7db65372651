import { operandParser } from './operand_parser.ts'
import { compileOperand, scalars } from './operand.ts'
import type { View } from './fields.ts'
import { Scanner } from './scanner.ts'
import { fail, type Text } from './source.ts'
import type { RuleSource } from './sources.ts'
import { TRANSFORMERS, type FieldRef, type Transformed } from './tree.ts'
import { defined } from '../json.ts'

const MAX_TEMPLATE_CHARS = 1 << 16
/** A column wider than this is a slip of the pen. */
const MAX_WIDTH = 1024
/** What Falco prints where the event has no such value. */
export const MISSING = '<NA>'

const LITERAL = /[^%]+/y
/** Unlike a condition's field, one without a dot is allowed: `%user`. */
const NAME = /[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)*/y
const WIDTH = /[0-9]+/y

export type Template = (view: View) => string

/** An output template after parsing: plain text, and what is filled in. */
export type Part = string | { readonly operand: FieldRef | Transformed; readonly width: number | undefined }

/** Parses `%field`, `%field[arg]`, `%transformer(field)` and `%20field` in plain text. There is no escape for `%`, as in Falco. */
export function parseTemplate(text: Text): readonly Part[] {
  const scan = new Scanner(text)
  if (text.value.length > MAX_TEMPLATE_CHARS)
    fail('ERR_RULE_LIMIT', `the output is longer than ${MAX_TEMPLATE_CHARS} characters`, scan.mark())
  // It once meant what is always so: print also when a value is missing.
  scan.take('*')
  const parts: Part[] = []
  while (!scan.done) parts.push(scan.match(LITERAL) ?? token(scan))
  return parts
}

function token(scan: Scanner): Part {
  const start = scan.mark()
  scan.take('%')
  const digits = scan.match(WIDTH)
  const width = digits === undefined ? undefined : Number(digits)
  if (width !== undefined && width > MAX_WIDTH) fail('ERR_RULE_LIMIT', `a field is at most ${MAX_WIDTH} wide`, start)
  return { operand: operand(scan) ?? fail('ERR_RULE_SYNTAX', "expected a field after '%'", start), width }
}

function operand(scan: Scanner): FieldRef | Transformed | undefined {
  const at = scan.mark()
  if (scan.takeCall(TRANSFORMERS) !== undefined) {
    scan.back(at)
    return operandParser(scan).transformed()
  }
  const name = scan.match(NAME)
  return name === undefined ? undefined : defined<FieldRef>({ kind: 'field', name, arg: scan.fieldArgument(), at })
}

/** A field that does not exist is an error here, not the field whose name begins the same. */
export function compileTemplate(parts: readonly Part[], source: RuleSource): Template {
  const writers = parts.map((part): Template => {
    if (typeof part === 'string') return () => part
    const { read } = compileOperand(part.operand, source)
    const { width } = part
    return (view) => {
      const found = read(view)
      const value =
        found === undefined ? MISSING : typeof found === 'object' ? `(${scalars(found).join(',')})` : String(found)
      return width === undefined || width === 0 ? value : value.slice(0, width).padEnd(width)
    }
  })
  return (view) => writers.map((write) => write(view)).join('')
}
