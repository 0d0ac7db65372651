import { defined } from '../json.ts'
import { resolveField, type View } from './fields.ts'
import { Scanner } from './scanner.ts'
import { fail, type Text } from './source.ts'
import { TRANSFORMERS, type FieldRef } from './tree.ts'

const MAX_TEMPLATE_CHARS = 1 << 16
/** What Falco prints where the event has no such value. */
const MISSING = '<NA>'

const LITERAL = /[^%]+/y
/** Unlike a condition's field, one without a dot is allowed: `%user`. */
const NAME = /[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)*/y

export type Template = (view: View) => string

/** Parses an output template: `%field` and `%field[arg]` in plain text. There is no escape for `%`, as in Falco. */
export function parseTemplate(text: Text): Template {
  const scan = new Scanner(text)
  if (text.value.length > MAX_TEMPLATE_CHARS)
    fail('ERR_RULE_LIMIT', `the output is longer than ${MAX_TEMPLATE_CHARS} characters`, scan.mark())
  const parts: Template[] = []
  while (!scan.done) {
    const literal = scan.match(LITERAL)
    parts.push(literal === undefined ? token(scan) : () => literal)
  }
  return (view) => parts.map((part) => part(view)).join('')
}

function token(scan: Scanner): Template {
  const at = scan.mark()
  scan.take('%')
  const transformer = scan.takeCall(TRANSFORMERS)
  if (transformer !== undefined) return fail('ERR_RULE_UNSUPPORTED', `${transformer}() is not supported yet`, at)
  const name = scan.match(NAME) ?? fail('ERR_RULE_SYNTAX', "expected a field after '%'", at)
  const { read } = resolveField(defined<FieldRef>({ kind: 'field', name, arg: scan.fieldArgument(), at }))
  return (view) => read(view) ?? MISSING
}
