import type { CloudEvent } from './event.ts'
import type { Finding, Kind, Severity } from './finding.ts'
import type { Rule } from './rule.ts'

const ORDER = ['info', 'low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[]

/** How grave a drift is when no rule says so. */
const BY_KIND: Readonly<Record<Kind, Severity>> = { deleted: 'high', changed: 'medium', created: 'medium' }

/** Adds the rules that match, and the severity: the highest of theirs, or the kind's; never below the finding's own. */
export function enrich(event: CloudEvent, finding: Finding, rules: readonly Rule[]): Finding {
  if (!isJudgedByRules(finding)) return finding
  const subject = { event, finding }
  const matched = rules
    .filter((rule) => rule.matches(subject))
    .map((rule) => ({ name: rule.name, severity: rule.severity, message: rule.message(subject) }))
  const severities = matched.length > 0 ? matched.map(({ severity }) => severity) : [usual(finding)]
  return { ...finding, rules: matched, severity: highest([finding.severity, ...severities]) }
}

/** What is expected, ignored or put right is not an alarm, whatever a rule thinks of the call. */
const isJudgedByRules = ({ outcome }: Finding): boolean =>
  outcome === 'drift' || outcome === 'unmanaged' || outcome === 'unmapped'

function usual({ outcome, kind }: Finding): Severity {
  if (outcome === 'drift' && kind !== null) return BY_KIND[kind]
  return outcome === 'unmanaged' ? 'low' : 'info'
}

function highest(severities: readonly Severity[]): Severity {
  return ORDER[Math.max(...severities.map((severity) => ORDER.indexOf(severity)))] ?? 'info'
}
