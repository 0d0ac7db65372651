import { defined } from '../json.ts'
import type { Reach } from '../rule.ts'
import type { Condition, FieldRef } from './tree.ts'

/** The fields that say which call an event is about. */
const SERVICES: ReadonlySet<string> = new Set(['cloud.service', 'ct.src', 'ct.shortsrc', 'gcp.serviceName'])
const EVENTS: ReadonlySet<string> = new Set(['evt.name', 'cloud.operation', 'ct.name', 'gcp.methodName'])
/** And of which type what it changes is. */
const TYPES: ReadonlySet<string> = new Set(['terraform.type'])

/** The only calls for which a condition can hold, from what it demands of the service, the name of the call and the type. */
export function reachOf(condition: Condition): Reach {
  const services = demanded(condition, SERVICES)
  return defined<Reach>({
    services: services && new Set([...services].map(shortName)),
    events: demanded(condition, EVENTS),
    types: demanded(condition, TYPES),
  })
}

/** A finding's `service` is without it. */
const shortName = (source: string): string => source.replace(/\.amazonaws\.com$/, '')

/** The values of which one of the fields must have one for the condition to hold; `undefined` where it may have any. */
export function demanded(condition: Condition, fields: ReadonlySet<string>): ReadonlySet<string> | undefined {
  switch (condition.kind) {
    case 'and':
      return condition.terms
        .map((term) => demanded(term, fields))
        .reduce(
          (all, one) => (all === undefined || one === undefined ? (all ?? one) : all.intersection(one)),
          undefined,
        )
    case 'or': {
      const sets = condition.terms.flatMap((term) => demanded(term, fields) ?? [])
      return sets.length < condition.terms.length ? undefined : new Set(sets.flatMap((set) => Array.from(set)))
    }
    case 'text':
      if (condition.operator !== '=' && condition.operator !== '==') return undefined
      return isOne(condition.left, fields) && condition.right.kind === 'value'
        ? new Set([condition.right.text])
        : undefined
    case 'listed':
      if (condition.operator === 'pmatch' || !isOne(condition.left, fields)) return undefined
      return valuesOf(condition.right)
    case 'modified': {
      const isAny = condition.modifier !== 'allof' && (condition.operator === '=' || condition.operator === '==')
      return isAny && isOne(condition.left, fields) ? valuesOf(condition.right) : undefined
    }
    case 'not':
    case 'macro':
    case 'exists':
    case 'order':
      return undefined
  }
}

type Right = Extract<Condition, { readonly kind: 'listed' }>['right']

const isOne = (left: { readonly kind: string }, fields: ReadonlySet<string>): boolean =>
  left.kind === 'field' && fields.has((left as FieldRef).name)

function valuesOf(right: Right): ReadonlySet<string> | undefined {
  if (right.kind === 'list') return new Set(right.values)
  return right.kind === 'value' ? new Set([right.text]) : undefined
}
