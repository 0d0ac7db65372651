import { demanded } from './reach.ts'
import type { Mark } from './source.ts'
import type { RuleSource } from './sources.ts'
import { TRANSFORMERS, type Condition } from './tree.ts'

const SPECIAL = /[.+*?^$()[\]{}|\\]/
const MISSING = '<NA>'
const UNSAFE = /^(?:ka|jevt)\./
const EVENT_TYPES: ReadonlySet<string> = new Set(['evt.type'])
const EVENT_NUMBERS: ReadonlySet<string> = new Set(['evt.num'])

type Warn = (problem: string, at: Mark) => void

/** What Falco warns of in a condition that compiles. */
export function warnOfCondition(condition: Condition, source: RuleSource, warn: Warn): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const term of condition.terms) warnOfCondition(term, source, warn)
      return
    case 'not':
      return warnOfCondition(condition.term, source, warn)
    case 'macro':
      return
    case 'exists':
    case 'order':
    case 'text':
    case 'modified':
    case 'listed':
      return warnOfCheck(condition, source, warn)
  }
}

type Check = Exclude<Condition, { readonly kind: 'and' | 'or' | 'not' | 'macro' }>

function warnOfCheck(check: Check, source: RuleSource, warn: Warn): void {
  if (check.left.kind === 'field' && check.left.name === 'evt.dir') warn("field 'evt.dir' is deprecated", check.left.at)
  if (check.kind === 'exists' || check.right.kind === 'transformed') return
  const values = check.right.kind === 'list' ? check.right.values : [check.right.text]
  for (const value of values) for (const problem of problemsOf(value, check, source)) warn(problem, check.right.at)
}

function problemsOf(
  value: string,
  check: Exclude<Check, { readonly kind: 'exists' }>,
  source: RuleSource,
): readonly string[] {
  const bare = value.replace(/\s+/g, '')
  const isCall = TRANSFORMERS.some((name) => bare.startsWith(`${name}(`)) && bare.endsWith(')')
  const isUnsafe = value === MISSING && check.left.kind === 'field' && UNSAFE.test(check.left.name)
  return [
    ...(check.operator === 'regex' && isPlain(value)
      ? [
          `regex check with '${value}' may be optimized with simpler operators such as '=', 'contains', 'startswith', 'endswith'`,
        ]
      : []),
    ...(source.find(bare) === undefined ? [] : [`'${value}' may be a valid field misused as a const string value`]),
    ...(isCall ? [`'${value}' may be a valid field transformer misused as a const string value`] : []),
    ...(isUnsafe ? [`comparing with '${MISSING}' is unsafe: use 'exists'`] : []),
  ]
}

/** Anchors are always there, and `.*` at an end is what simpler operators do. */
const isPlain = (pattern: string): boolean =>
  !SPECIAL.test(
    pattern
      .replace(/^\^/, '')
      .replace(/\$$/, '')
      .replace(/^\.[+*?](?=.)/s, '')
      .replace(/\.[+*?]$/, ''),
  )

/** Whether a condition on system calls leaves their type open, which costs Falco dearly. */
export function isBroad(condition: Condition): boolean {
  const isNever = demanded(condition, EVENT_NUMBERS)?.has('0') === true
  return !isNever && demanded(condition, EVENT_TYPES) === undefined
}
