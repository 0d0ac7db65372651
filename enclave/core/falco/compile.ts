import { resolveField, type Field, type View } from './fields.ts'
import { listCheck, modifiedCheck, orderCheck, textCheck, type Check } from './operators.ts'
import { fail } from './source.ts'
import type { Condition, List, Operand, Transformed, Value } from './tree.ts'

export type Predicate = (view: View) => boolean

/** Turns a parsed condition into a closure, once. What cannot be evaluated is an error here, never a silent false. */
export function compile(condition: Condition): Predicate {
  switch (condition.kind) {
    case 'and': {
      const terms = condition.terms.map(compile)
      return (view) => terms.every((term) => term(view))
    }
    case 'or': {
      const terms = condition.terms.map(compile)
      return (view) => terms.some((term) => term(view))
    }
    case 'not': {
      const term = compile(condition.term)
      return (view) => !term(view)
    }
    case 'macro':
      return fail('ERR_RULE_UNKNOWN', `no macro is called '${condition.name}'`, condition.at)
    case 'exists':
      return checked(condition.left, () => () => true)
    case 'order': {
      const { operator, right } = condition
      return checked(condition.left, ({ type }) => orderCheck(operator, literal(right), type))
    }
    case 'text': {
      const { operator, right } = condition
      return checked(condition.left, () => textCheck(operator, literal(right), right.at))
    }
    case 'modified': {
      const { operator, modifier, right } = condition
      const checks = literals(right).map((operand) => textCheck(operator, operand, right.at))
      return checked(condition.left, () => modifiedCheck(modifier, checks))
    }
    case 'listed': {
      const { operator, right } = condition
      return checked(condition.left, () => listCheck(operator, literals(right), right.at))
    }
  }
}

/** A missing value makes every check false, `!=` as well: that is Falco's rule. */
function checked(left: Operand, checkFor: (field: Field) => Check): Predicate {
  const field = left.kind === 'field' ? resolveField(left) : unsupported(left)
  const check = checkFor(field)
  return (view) => {
    const value = field.read(view)
    return value !== undefined && check(value)
  }
}

const literal = (right: Value | Transformed): string => (right.kind === 'value' ? right.text : unsupported(right))

/** Where a list could stand, upstream reads a bare name as a list of that one string. */
const literals = (right: Value | List | Transformed): readonly string[] =>
  right.kind === 'list' ? right.values : [literal(right)]

const unsupported = ({ transformer, at }: Transformed): never =>
  fail('ERR_RULE_UNSUPPORTED', `${transformer}() is not supported yet`, at)
