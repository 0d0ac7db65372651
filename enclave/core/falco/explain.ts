import type { Explanation } from '../rule.ts'
import { compile, type Leaf, type Predicate } from './compile.ts'
import { conditionText } from './condition_text.ts'
import { scalars, compileOperand } from './operand.ts'
import type { View } from './fields.ts'
import type { RuleSource } from './sources.ts'
import type { Condition } from './tree.ts'

/** Evaluates every part of a condition, also those that a match would not look at. */
export function explain(condition: Condition, source: RuleSource, view: View): Explanation {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.terms.map((term) => explain(term, source, view))
      const outcome = condition.kind === 'and' ? parts.every(holds) : parts.some(holds)
      return { text: condition.kind, outcome, parts }
    }
    case 'not': {
      const part = explain(condition.term, source, view)
      return { text: 'not', outcome: !part.outcome, parts: [part] }
    }
    case 'macro':
    case 'exists':
    case 'order':
    case 'text':
    case 'modified':
    case 'listed':
      return explainLeaf(condition, compile(condition, source), source, view)
  }
}

const holds = ({ outcome }: Explanation): boolean => outcome

function explainLeaf(condition: Leaf, check: Predicate, source: RuleSource, view: View): Explanation {
  const explanation = { text: conditionText(condition), outcome: check(view), parts: [] }
  if (condition.kind === 'macro') return explanation
  const found = compileOperand(condition.left, source).read(view)
  return found === undefined ? explanation : { ...explanation, found: scalars(found).join(', ') }
}
