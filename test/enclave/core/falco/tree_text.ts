import type { Condition, List, TransformerArgument, Value } from '../../../../enclave/core/falco/tree.ts'

/** A condition's tree in one line, for tables of expectations. */
export function treeText(condition: Condition): string {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return `(${condition.kind} ${condition.terms.map(treeText).join(' ')})`
    case 'not':
      return `(not ${treeText(condition.term)})`
    case 'macro':
      return condition.name
    case 'exists':
      return `(exists ${operandText(condition.left)})`
    case 'modified':
      return `(${condition.operator} ${condition.modifier} ${operandText(condition.left)} ${operandText(condition.right)})`
    case 'order':
    case 'text':
    case 'listed':
      return `(${condition.operator} ${operandText(condition.left)} ${operandText(condition.right)})`
  }
}

function operandText(operand: TransformerArgument | Value | List): string {
  switch (operand.kind) {
    case 'field':
      return operand.name + argumentText(operand.arg)
    case 'transformed':
      return `${operand.transformer}(${operand.args.map(operandText).join(' ')})${argumentText(operand.arg)}`
    case 'value':
      return JSON.stringify(operand.text)
    case 'list':
      return JSON.stringify(operand.values)
    case 'arguments':
      return `[${operand.items.map(operandText).join(' ')}]`
  }
}

const argumentText = (arg: string | undefined): string => (arg === undefined ? '' : `[${JSON.stringify(arg)}]`)
