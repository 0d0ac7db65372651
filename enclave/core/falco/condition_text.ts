import type { Condition, List, Operand, TransformerArgument, Value } from './tree.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
}
const ESCAPED = /[\b\f\n\r\t\\"]/g
/** What cannot stand in a bare string, as upstream's printer sees it. */
// eslint-disable-next-line no-control-regex -- NUL is one of them
const UNBARE = /[\b\f\n\r\t\\"' =\0]/

/** A condition as Falco prints a compiled one: every `and` and `or` in parentheses, strings quoted only where they must be. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return `(${condition.terms.map(conditionText).join(` ${condition.kind} `)})`
    case 'not':
      return `not ${conditionText(condition.term)}`
    case 'macro':
      return condition.name
    case 'exists':
      return `${operandText(condition.left)} exists`
    case 'modified':
      return `${operandText(condition.left)} ${condition.operator} ${condition.modifier} ${rightText(condition.right)}`
    case 'order':
    case 'text':
    case 'listed':
      return `${operandText(condition.left)} ${condition.operator} ${rightText(condition.right)}`
  }
}

/** A field or transformer, as a condition or a template would name it. */
export function operandText(operand: TransformerArgument): string {
  switch (operand.kind) {
    case 'field':
      return operand.name + argumentText(operand.arg)
    case 'transformed':
      return `${operand.transformer}(${operand.args.map(operandText).join(',')})${argumentText(operand.arg)}`
    case 'arguments':
      return `(${operand.items.map(operandText).join(',')})`
    case 'value':
      return stringText(operand.text)
  }
}

const rightText = (right: Value | List | Operand): string =>
  right.kind === 'list' ? `(${right.values.map(stringText).join(', ')})` : operandText(right)

const argumentText = (arg: string | undefined): string => (arg === undefined ? '' : `[${stringText(arg)}]`)

const stringText = (text: string): string =>
  UNBARE.test(text) ? `"${text.replace(ESCAPED, (character) => ESCAPES[character] ?? character)}"` : text
