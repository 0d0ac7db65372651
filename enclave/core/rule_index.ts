import type { Severity } from './finding.ts'
import type { Reach, Rule, Subject } from './rule.ts'

/** Gravest first. */
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const satisfies readonly Severity[]

/** Calls whose rules are remembered. Beyond these all are forgotten, and their rules sought again. */
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
  /** By all that a rule's reach speaks of, one after the other: a key made of it would be a new text for each event. */
  const known = new Map<string, Map<string, Map<string, readonly Rule[]>>>()
  let calls = 0
  const inReach = (subject: Subject): readonly Rule[] => {
    const { event, finding } = subject
    const type = finding.resource?.type ?? ''
    const before = known.get(event.name)?.get(finding.service)?.get(type)
    if (before !== undefined) return before
    if (calls === MAX_CALLS) known.clear()
    calls = calls === MAX_CALLS ? 1 : calls + 1
    const found = ordered.filter(({ reach }) => isInReach(reach, subject))
    known
      .getOrInsertComputed(event.name, () => new Map())
      .getOrInsertComputed(finding.service, () => new Map())
      .set(type, found)
    return found
  }
  return (subject) => {
    const matches = (rule: Rule): boolean => rule.matches(subject)
    if (matching === 'all') return inReach(subject).filter(matches)
    const first = inReach(subject).find(matches)
    return first === undefined ? [] : [first]
  }
}

const gravity = ({ severity }: Rule): number => SEVERITIES.indexOf(severity)

function isInReach({ events, services, types }: Reach, { event, finding }: Subject): boolean {
  if (events?.has(event.name) === false || services?.has(finding.service) === false) return false
  return types === undefined || types.has(finding.resource?.type ?? '')
}
