import { dropOldest } from './bounded.ts'
import type { Severity } from './finding.ts'
import type { Reach, Rule, Subject } from './rule.ts'

/** Gravest first. */
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const satisfies readonly Severity[]

/** Calls whose rules are remembered. Beyond these the oldest goes, and its rules are sought again. */
const MAX_CALLS = 10_000

/** Whether all rules that match count, or the first of them in the order of their files alone: Falco's `rule_matching`. */
export type RuleMatching = 'all' | 'first'

/** The rules that match a subject, the gravest first. */
export type Rules = (subject: Subject) => readonly Rule[]

/** Rules stay what they are while a world lives, so they are indexed when the first event meets them. */
const indexed = { all: new WeakMap<readonly Rule[], Rules>(), first: new WeakMap<readonly Rule[], Rules>() }

/** Remembers which rules a call can match by its names alone, so that an event meets those and no others. */
export const createRules = (rules: readonly Rule[], matching: RuleMatching = 'all'): Rules =>
  indexed[matching].getOrInsertComputed(rules, () => buildIndex(rules, matching))

function buildIndex(rules: readonly Rule[], matching: RuleMatching): Rules {
  const ordered = matching === 'first' ? rules : rules.toSorted((a, b) => gravity(a) - gravity(b))
  const byCall = new Map<string, readonly Rule[]>()
  const inReach = (subject: Subject): readonly Rule[] => {
    const call = callOf(subject)
    const known = byCall.get(call)
    if (known !== undefined) return known
    const found = ordered.filter(({ reach }) => isInReach(reach, subject))
    byCall.set(call, found)
    dropOldest(byCall, MAX_CALLS)
    return found
  }
  return (subject) => {
    const matches = (rule: Rule): boolean => rule.matches(subject)
    if (matching === 'all') return inReach(subject).filter(matches)
    const first = inReach(subject).find(matches)
    return first === undefined ? [] : [first]
  }
}

/** All that a rule's reach speaks of. */
const callOf = ({ event, finding }: Subject): string =>
  `${event.name}\n${finding.service}\n${finding.resource?.type ?? ''}`

const gravity = ({ severity }: Rule): number => SEVERITIES.indexOf(severity)

function isInReach({ events, services, types }: Reach, { event, finding }: Subject): boolean {
  if (events?.has(event.name) === false || services?.has(finding.service) === false) return false
  return types === undefined || types.has(finding.resource?.type ?? '')
}
