import type { Found, Scalar, View } from './fields.ts'
import { checkOperator, listCheck, modifiedCheck, orderCheck, textCheck, type Check } from './operators.ts'
import { compileOperand, scalars, type Operand } from './operand.ts'
import { fail, RuleError, type Mark } from './source.ts'
import type { RuleSource } from './sources.ts'
import type { Condition, Transformed } from './tree.ts'

export type Predicate = (view: View) => boolean

/** A condition that is neither `and`, `or` nor `not`. */
export type Leaf = Exclude<Condition, { readonly kind: 'and' | 'or' | 'not' }>
type Comparison = Exclude<Leaf, { readonly kind: 'macro' | 'exists' }>

/** A pattern that comes with the event is compiled for it alone; a longer one matches nothing. */
const MAX_READ_PATTERN = 1024

/** Turns a condition into a closure, once. What cannot be evaluated is an error here, never a silent false. */
export function compile(condition: Condition, source: RuleSource): Predicate {
  switch (condition.kind) {
    case 'and': {
      const terms = condition.terms.map((term) => compile(term, source))
      return (view) => terms.every((term) => term(view))
    }
    case 'or': {
      const terms = condition.terms.map((term) => compile(term, source))
      return (view) => terms.some((term) => term(view))
    }
    case 'not': {
      const term = compile(condition.term, source)
      return (view) => !term(view)
    }
    case 'macro':
    case 'exists':
    case 'order':
    case 'text':
    case 'modified':
    case 'listed':
      return compileLeaf(condition, source)
  }
}

function compileLeaf(condition: Leaf, source: RuleSource): Predicate {
  if (condition.kind === 'macro') return fail('ERR_RULE_MACRO', `no macro is called '${condition.name}'`, condition.at)
  const left = compileOperand(condition.left, source)
  if (condition.kind === 'exists') return (view) => left.read(view) !== undefined
  checkOperator(condition.operator, left.type, left.list, condition.at)
  const { right } = condition
  if (right.kind === 'transformed') return compileRead(condition, right, left, source)
  const values = right.kind === 'list' ? right.values : [right.text]
  const holds = together(condition, left, checkOf(condition, left, values, right.at))
  return (view) => holds(left.read(view))
}

/** A right-hand side that is read from the event as well. */
function compileRead(condition: Comparison, node: Transformed, left: Operand, source: RuleSource): Predicate {
  const right = compileOperand(node, source)
  const { operator, at } = condition
  if (operator === 'regex' || operator === 'pmatch' || left.type === 'network' || right.type === 'network')
    fail('ERR_RULE_TYPE', `'${operator}' takes no val() or transformer here`, node.at)
  if (!isAlike(left, right)) fail('ERR_RULE_TYPE', 'the two sides are of different types', node.at)
  let known: { readonly others: Found; readonly holds: (found: Found) => boolean } | undefined
  return (view) => {
    const [value, others] = [left.read(view), right.read(view)]
    if (value === undefined || others === undefined) return false
    // One event after the other has the same there: the id of the account, for most.
    if (known?.others !== others)
      known = { others, holds: together(condition, left, readCheck(condition, left, scalars(others), at)) }
    return known.holds(value)
  }
}

/** What stands in an event is no mistake of the rule: a pattern that is none matches nothing. */
function readCheck(condition: Comparison, left: Operand, others: readonly Scalar[], at: Mark): Check {
  const texts = others.map(String)
  const isPattern = condition.operator === 'glob' || condition.operator === 'iglob'
  if (isPattern && texts.some(({ length }) => length > MAX_READ_PATTERN)) return () => false
  try {
    return checkOf(condition, left, texts, at)
  } catch (error) {
    if (error instanceof RuleError) return () => false
    throw error
  }
}

function checkOf(condition: Comparison, { type }: Operand, values: readonly string[], at: Mark): Check {
  switch (condition.kind) {
    case 'order':
      return orderCheck(condition.operator, type, values[0] ?? '', at)
    case 'text':
      return textCheck(condition.operator, type, values[0] ?? '', at)
    case 'modified': {
      const checks = values.map((value) => textCheck(condition.operator, type, value, at))
      return modifiedCheck(condition.modifier, checks)
    }
    case 'listed':
      return listCheck(condition.operator, type, values, at)
  }
}

/** A missing value makes every check false, `!=` as well: that is Falco's rule. Of a list, `in` needs all, `intersects` one. */
function together({ operator }: Comparison, { list }: Operand, check: Check): (found: Found) => boolean {
  if (list && operator === 'in') return (found) => found !== undefined && scalars(found).every(check)
  if (list) return (found) => scalars(found).some(check)
  return (found) => found !== undefined && typeof found !== 'object' && check(found)
}

const isAlike = (left: Operand, right: Operand): boolean =>
  left.list === right.list && (left.type === right.type || (isText(left) && isText(right)))
const isText = ({ type }: Operand): boolean => type === 'text' || type === 'attribute'
