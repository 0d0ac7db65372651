import type { Severity } from './finding.ts'
import type { Reach, Rule, Subject } from './rule.ts'

/** Gravest first. */
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const satisfies readonly Severity[]

/** Whether all rules that match count, or the first of them in the order of their files alone: Falco's `rule_matching`. */
export type RuleMatching = 'all' | 'first'

/** The rules that match a subject, the gravest first. */
export type Rules = (subject: Subject) => readonly Rule[]

interface Entry {
  readonly rule: Rule
  readonly rank: number
}

const NONE: readonly Entry[] = []

/** Rules stay what they are while a world lives, so they are indexed when the first event meets them. */
const indexed = { all: new WeakMap<readonly Rule[], Rules>(), first: new WeakMap<readonly Rule[], Rules>() }

/** Indexes rules by the calls and resources that they can match, so that an event meets those alone. */
export function createRules(rules: readonly Rule[], matching: RuleMatching = 'all'): Rules {
  const known = indexed[matching].get(rules) ?? buildIndex(rules, matching)
  indexed[matching].set(rules, known)
  return known
}

function buildIndex(rules: readonly Rule[], matching: RuleMatching): Rules {
  const ordered = matching === 'first' ? rules : rules.toSorted((a, b) => gravity(a) - gravity(b))
  const byEvent = new Map<string, Entry[]>()
  const byType = new Map<string, Entry[]>()
  const byService = new Map<string, Entry[]>()
  const others: Entry[] = []
  for (const [rank, rule] of ordered.entries()) {
    const { events, types, services } = rule.reach
    const entry = { rule, rank }
    if (events !== undefined) add(byEvent, events, entry)
    else if (types !== undefined) add(byType, types, entry)
    else if (services !== undefined) add(byService, services, entry)
    else others.push(entry)
  }
  return (subject) => {
    const { event, finding } = subject
    const candidates = inOrder([
      byEvent.get(event.name) ?? NONE,
      byType.get(finding.resource?.type ?? '') ?? NONE,
      byService.get(finding.service) ?? NONE,
      others,
    ])
    const matches = ({ rule }: Entry) => isInReach(rule.reach, subject) && rule.matches(subject)
    if (matching === 'all') return candidates.filter(matches).map(({ rule }) => rule)
    const first = candidates.find(matches)
    return first === undefined ? [] : [first.rule]
  }
}

/** Each list is in order already, and mostly all but one are empty. */
function inOrder(lists: readonly (readonly Entry[])[]): readonly Entry[] {
  const [first = NONE, ...more] = lists.filter((list) => list.length > 0)
  return more.length === 0 ? first : [first, ...more].flat().sort((a, b) => a.rank - b.rank)
}

const gravity = ({ severity }: Rule): number => SEVERITIES.indexOf(severity)

function add(index: Map<string, Entry[]>, keys: ReadonlySet<string>, entry: Entry): void {
  for (const key of keys) {
    const entries = index.get(key)
    if (entries === undefined) index.set(key, [entry])
    else entries.push(entry)
  }
}

function isInReach({ events, services, types }: Reach, { event, finding }: Subject): boolean {
  if (events?.has(event.name) === false || services?.has(finding.service) === false) return false
  return types === undefined || types.has(finding.resource?.type ?? '')
}
