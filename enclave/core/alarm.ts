import type { Finding, Severity } from './finding.ts'

/** What the detector can raise about itself, by stable code: docs/findings.md says what each means. */
const SEVERITY = {
  LedgerTampered: 'critical',
  LedgerRepaired: 'high',
  ObjectTampered: 'high',
  KeyTampered: 'critical',
  KeyRolledBack: 'critical',
  KeyRefreshFailing: 'high',
  StateRecalled: 'medium',
  SuppressionExpired: 'medium',
} as const satisfies Readonly<Record<string, Severity>>

/** Something is wrong with the detector itself: its keys, its ledger, what the host keeps for it. */
export interface Alarm {
  readonly code: keyof typeof SEVERITY
  /** An alarm of the same code and id is the same thing seen again, also after a restart. The log shows it. */
  readonly id: string
  /** A sentence for people: what was seen, and what to do. */
  readonly reason: string
}

/** The alarm in the form in which everything reaches people. */
export const alarmFinding = ({ code, id, reason }: Alarm, now: number): Finding => ({
  version: 1,
  outcome: 'tamper',
  kind: null,
  verdict: null,
  cloud: 'aws',
  account: '',
  region: '',
  service: 'driftseal',
  source: 'driftseal',
  event: code,
  eventId: `${code}/${id}`,
  time: new Date(now).toISOString(),
  resource: null,
  changes: {},
  delta: {},
  actor: { type: 'Unknown', name: 'unknown', console: false },
  severity: SEVERITY[code],
  rules: [],
  reason,
})
