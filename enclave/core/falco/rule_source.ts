import type { Leaf } from './compile.ts'
import type { Part } from './output.ts'
import { ANY_SOURCE, SYSCALL_SOURCE, type RuleSource } from './sources.ts'
import type { Condition, TransformerArgument } from './tree.ts'

/** A rule that names no source is Falco's own if it speaks of system calls, and otherwise ours. */
export function sourceOf(condition: Condition, parts: readonly Part[]): RuleSource {
  const names = [
    ...namesIn(condition),
    ...parts.flatMap((part) => (typeof part === 'string' ? [] : fieldsOf(part.operand))),
  ]
  const isSyscall = names.some((name) => ANY_SOURCE.find(name) === undefined && SYSCALL_SOURCE.find(name) !== undefined)
  return isSyscall ? SYSCALL_SOURCE : ANY_SOURCE
}

/** A condition without its `and`, `or` and `not`. */
export function checksIn(condition: Condition): readonly Leaf[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.terms.flatMap(checksIn)
    case 'not':
      return checksIn(condition.term)
    case 'macro':
    case 'exists':
    case 'order':
    case 'text':
    case 'modified':
    case 'listed':
      return [condition]
  }
}

/** The fields that a condition asks for. */
export const namesIn = (condition: Condition): readonly string[] => checksIn(condition).flatMap(namesOf)

function namesOf(check: Leaf): readonly string[] {
  if (check.kind === 'macro') return []
  if (check.kind === 'exists' || check.right.kind !== 'transformed') return fieldsOf(check.left)
  return [...fieldsOf(check.left), ...fieldsOf(check.right)]
}

function fieldsOf(node: TransformerArgument): readonly string[] {
  switch (node.kind) {
    case 'field':
      return [node.name]
    case 'transformed':
      return node.args.flatMap(fieldsOf)
    case 'arguments':
      return node.items.flatMap(fieldsOf)
    case 'value':
      return []
  }
}
