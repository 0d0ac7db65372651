import { defined, type Json, type JsonObject } from '../json.ts'
import type { Explanation, Subject } from '../rule.ts'
import {
  cameIn,
  CHANGE_OPERATORS,
  exists,
  inList,
  matching,
  NUMBER_OPERATORS,
  VALUE_OPERATORS,
  type Test,
} from './operators.ts'
import { rangeOf } from './network.ts'
import { predicate, PREDICATES, type PredicateName, type Wanted } from './predicates.ts'
import type { AttributeSource, ConditionSource, FieldSource } from './schema.ts'
import { changesAt, isSameValue, isUnset, spread, valuesAt, type Pair } from './values.ts'

/** What a value looks like to a person; a policy of 20 kB is no reading matter. */
const MAX_FOUND = 160

/** A compiled condition that can say why. */
export interface Check {
  /** The condition as its file has it, in one line. */
  readonly text: string
  holds(subject: Subject): boolean
  /** Of a leaf: what there is to compare with. */
  found?(subject: Subject): string
  readonly parts: readonly Check[]
}

/** Compiles a condition that the schema has let through. Throws nothing. */
export function compileCondition(source: ConditionSource): Check {
  if ('all' in source) return allOf(source.all.map(compileCondition))
  if ('any' in source) {
    const parts = source.any.map(compileCondition)
    return { text: 'any', parts, holds: (subject) => parts.some((part) => part.holds(subject)) }
  }
  if ('not' in source) {
    const part = compileCondition(source.not)
    return { text: 'not', parts: [part], holds: (subject) => !part.holds(subject) }
  }
  return 'field' in source ? ofField(source) : ofAttribute(source)
}

/** A rule's `conditions`: what it watches is a list of alternatives, and everything else must hold as well. */
export function compileConditions(sources: readonly ConditionSource[]): Check {
  const [watched, others] = [sources.filter(isWatching), sources.filter((source) => !isWatching(source))]
  const watching = watched.length > 1 ? [compileCondition({ any: watched })] : watched.map(compileCondition)
  return allOf([...watching, ...others.map(compileCondition)])
}

const isWatching = (source: ConditionSource): boolean => 'operator' in source && source.operator === 'changed'

export const allOf = (parts: readonly Check[]): Check => ({
  text: 'all',
  parts,
  holds: (subject) => parts.every((part) => part.holds(subject)),
})

export function explain(check: Check, subject: Subject): Explanation {
  const found = check.found?.(subject)
  return {
    text: check.text,
    outcome: check.holds(subject),
    ...(found === undefined ? {} : { found }),
    parts: check.parts.map((part) => explain(part, subject)),
  }
}

/** The same without the place whose values it asks about. */
type Asking = FieldSource extends infer Leaf ? (Leaf extends unknown ? Omit<Leaf, 'field'> : never) : never

function testOf(source: Asking): Test {
  switch (source.operator) {
    case 'in':
      return inList(source.value)
    case 'matches':
      return matching(source.value)
    case 'exists':
      return exists
    case 'equals':
    case 'not_equals':
    case 'contains':
      return VALUE_OPERATORS[source.operator](source.value)
    case 'greater_than':
    case 'greater_or_equal':
    case 'less_than':
    case 'less_or_equal':
      return NUMBER_OPERATORS[source.operator](source.value)
  }
}

function ofField(source: FieldSource): Check {
  const [test, read] = [testOf(source), fieldOf(source.field)]
  return {
    text: textOfLeaf(source),
    parts: [],
    holds: (subject) => test(read(subject)),
    found: (subject) => shown(read(subject)),
  }
}

function ofAttribute(source: AttributeSource): Check {
  if (isPredicate(source)) return ofPredicate(source)
  const path = source.attribute
  const onChange = (holds: (pair: Pair) => boolean): Check => ({
    text: textOfLeaf(source),
    parts: [],
    holds: ({ finding }) => changesAt(finding, path).some(holds),
    found: ({ finding }) => shownChanges(changesAt(finding, path)),
  })
  switch (source.operator) {
    case 'changed': {
      const { from, to } = source
      const isFrom = from === undefined ? () => true : ({ old }: Pair) => isSameValue(old, from)
      // A value that nobody saw is not known to be the one that is asked for.
      const isTo = to === undefined ? () => true : ({ now, isUnseen }: Pair) => !isUnseen && isSameValue(now, to)
      return onChange((pair) => isFrom(pair) && isTo(pair))
    }
    case 'added':
      return onChange(({ old, now, isUnseen }) => !isUnseen && cameIn(old, now, source.value))
    case 'removed':
      return onChange(({ old, now, isUnseen }) => !isUnseen && cameIn(now, old, source.value))
    case 'increased':
    case 'decreased':
      return onChange(CHANGE_OPERATORS[source.operator])
    case 'equals':
    case 'not_equals':
    case 'contains':
    case 'greater_than':
    case 'greater_or_equal':
    case 'less_than':
    case 'less_or_equal':
    case 'in':
    case 'matches':
    case 'exists': {
      const test = testOf(source)
      return {
        text: textOfLeaf(source),
        parts: [],
        holds: (subject) => test(valuesAt(subject, path)),
        found: (subject) => shown(valuesAt(subject, path)),
      }
    }
  }
}

type PredicateSource = Extract<AttributeSource, { operator: PredicateName }>

const isPredicate = (source: AttributeSource): source is PredicateSource => Object.hasOwn(PREDICATES, source.operator)

function ofPredicate(source: PredicateSource): Check {
  const { operator, attribute } = source
  const ports = source.operator === 'opened_to_world' ? source.ports?.flatMap(rangeOf) : undefined
  return {
    text: textOfLeaf(source),
    parts: [],
    holds: predicate(operator, defined<Wanted>({ attribute, ports })),
    found: ({ finding }) =>
      shownChanges(
        attribute === undefined
          ? Object.keys(PREDICATES[operator].attributes).flatMap((path) => changesAt(finding, path))
          : changesAt(finding, attribute),
      ),
  }
}

const NAMED: Readonly<Record<string, (subject: Subject) => string | boolean | null | undefined>> = {
  kind: ({ finding }) => finding.kind,
  outcome: ({ finding }) => finding.outcome,
  verdict: ({ finding }) => finding.verdict,
  account: ({ finding }) => finding.account,
  region: ({ finding }) => finding.region,
  service: ({ finding }) => finding.service,
  event: ({ finding }) => finding.event,
  time: ({ finding }) => finding.time,
}

/** Reads what the schema's FIELD lets through. */
function fieldOf(field: string): (subject: Subject) => readonly Json[] {
  const named = NAMED[field]
  if (named !== undefined) return (subject) => seen([named(subject) ?? null])
  const [root, ...names] = field.split('.')
  const rootOf = ROOTS[root as keyof typeof ROOTS] // the schema has let no other through
  return (subject) => seen(spread(rootOf(subject), names))
}

const ROOTS = {
  request: ({ event }: Subject): Json => event.request,
  response: ({ event }: Subject): Json => event.response,
  record: ({ event }: Subject): Json => event.record,
  resource: ({ finding }: Subject): Json => finding.resource as JsonObject | null, // its members are texts
  actor: ({ finding }: Subject): Json => finding.actor as unknown as JsonObject, // its members are texts and flags, or lists of such
} as const

const seen = (values: readonly Json[]): readonly Json[] => values.filter((value) => !isUnset(value))

function textOfLeaf(source: AttributeSource | FieldSource): string {
  const { operator, ...rest } = source
  const place = 'field' in rest ? rest.field : rest.attribute
  const operands = Object.entries(rest)
    .filter(([key, value]) => key !== 'field' && key !== 'attribute' && value !== undefined)
    .map(([key, value]) => (key === 'value' ? JSON.stringify(value) : `${key} ${JSON.stringify(value)}`))
  return [...(place === undefined ? [] : [place]), operator, ...operands].join(' ')
}

const shown = (values: readonly Json[]): string => cut(values.length === 0 ? 'nothing' : values.map(oneLine).join(', '))

const shownChanges = (pairs: readonly Pair[]): string =>
  cut(
    pairs.length === 0
      ? 'no change'
      : pairs
          .map(
            ({ path, old, now, isUnseen }) => `${path}: ${oneLine(old)} -> ${isUnseen ? '(not shown)' : oneLine(now)}`,
          )
          .join(', '),
  )

const oneLine = (value: Json): string => JSON.stringify(value)
const cut = (text: string): string => (text.length > MAX_FOUND ? `${text.slice(0, MAX_FOUND)}…` : text)
