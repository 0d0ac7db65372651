import type { Catalog } from './catalog.ts'
import { stateAt, type Digest } from './compare.ts'
import { ownerOf, type Drifts } from './drifts.ts'
import type { CloudEvent } from './event.ts'
import type { Finding, Kind, MatchedRule, OutcomeName, Severity } from './finding.ts'
import type { Json } from './json.ts'
import type { Rule, Subject } from './rule.ts'
import { createRules, type RuleMatching } from './rule_index.ts'
import type { Owned, StateIndex } from './state_index.ts'

const ORDER = ['info', 'low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[]

/** How grave a drift is when no rule says so. */
const BY_KIND: Readonly<Record<Kind, Severity>> = { deleted: 'high', changed: 'medium', created: 'medium' }

/** What rules need to know besides the event and its finding. */
interface Knowledge {
  readonly rules: readonly Rule[]
  readonly matching?: RuleMatching
  readonly drifts: Pick<Drifts, 'tallies'>
  readonly states: Pick<StateIndex, 'at'>
  readonly catalog: Pick<Catalog, 'types'>
  readonly digest: Digest
}

/** Adds the rules that match, and the severity: the highest of theirs, or the kind's; never below the finding's own. */
export function enrich(event: CloudEvent, finding: Finding, known: Knowledge): Finding {
  if (!isJudgedByRules(finding)) return finding
  const { outcome, kind } = finding
  const subject = subjectOf(event, finding, known)
  const holding = createRules(known.rules, known.matching)(subject)
  const matched = holding
    .filter(
      ({ id, name, threshold }) =>
        threshold === undefined || known.drifts.tallies.isReached(id ?? name, threshold, finding),
    )
    .map((rule) => matchedBy(rule, subject))
  const severities = matched.length > 0 ? matched.map(({ severity }) => severity) : [usualSeverity(outcome, kind)]
  const enriched = { ...finding, rules: matched, severity: severities.reduce(graver, finding.severity) }
  const counted = holding.flatMap(({ id, name, threshold }) =>
    threshold === undefined ? [] : [{ rule: id ?? name, per: threshold.per }],
  )
  return counted.length === 0 ? enriched : { ...enriched, counted }
}

/** What rules look at. */
export const subjectOf = (
  event: CloudEvent,
  finding: Finding,
  known: Omit<Knowledge, 'rules' | 'drifts'>,
): Subject => ({
  event,
  finding,
  attribute: attributeOf(finding, known),
})

function matchedBy(rule: Rule, subject: Subject): MatchedRule {
  const { id, name, severity } = rule
  const message = rule.message(subject)
  const matched: MatchedRule = id === undefined ? { name, severity, message } : { id, name, severity, message }
  return Object.assign(matched, rule.advice?.(subject))
}

/** The state's attributes of a finding's resource, unpacked when the first rule asks. */
function attributeOf(
  finding: Finding,
  { states, catalog, digest }: Omit<Knowledge, 'rules' | 'drifts'>,
): (path: string) => Json | undefined {
  const owner = ownerOf(finding)
  const type = catalog.types.get(finding.resource?.type ?? '')
  let owned: Owned | undefined
  return (path) => {
    if (owner === undefined || type === undefined) return undefined
    owned ??= states.at(owner.state, owner.address)
    return owned === undefined ? undefined : stateAt(type, owned, path, digest)
  }
}

/** What is expected, ignored or put right is not an alarm, whatever a rule thinks of the call. */
export const isJudgedByRules = ({ outcome }: Finding): boolean =>
  outcome === 'drift' || outcome === 'unmanaged' || outcome === 'unmapped'

/** How grave a finding is when no rule says so. */
export function usualSeverity(outcome: OutcomeName, kind: Kind | null): Severity {
  if (outcome === 'drift' && kind !== null) return BY_KIND[kind]
  return outcome === 'unmanaged' ? 'low' : 'info'
}

const graver = (a: Severity, b: Severity): Severity => (ORDER.indexOf(a) < ORDER.indexOf(b) ? b : a)
