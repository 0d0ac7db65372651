import type { Finding, OutcomeName } from './core/finding.ts'
import type { Log } from './ports.ts'

/** What is counted, by the names that CloudWatch and its alarms have for it. */
export type Counter = 'Heartbeat' | 'EnclaveStarts' | 'DetectorErrors' | 'AttestationFailures' | 'DekRefreshFailures'

/** Latencies that are kept for one report; what is beyond counts in the histogram only. */
const MAX_SAMPLES = 10_000
/** Upper bounds of the histogram, in seconds; the last bucket has none. */
const BOUNDS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 10] as const

/** Lines of the log that stand for a failure of their own kind, besides being errors. */
const KINDS: ReadonlyMap<string, Counter> = new Map([
  ['key.refresh.failed', 'DekRefreshFailures'],
  ['key.unusable', 'AttestationFailures'],
  ['session.refused', 'AttestationFailures'],
])

/** What happened since the report before. */
export interface Report {
  readonly counts: Readonly<Record<Counter, number>>
  readonly latenciesMs: readonly number[]
}

/** The detector's own health, in numbers: never a name, a value or a resource, since the host may read it. */
export interface Metrics {
  /** The loop that judges events came round. */
  beat(): void
  count(counter: Exclude<Counter, 'Heartbeat'>): void
  /** From the receipt of an event to its alert in the ledger. */
  latency(ms: number): void
  observe(finding: Finding): void
  /** The same log, counting what it is told. */
  watch(log: Log): Log
  /** Takes what happened since the last report. */
  report(): Report
  /** All since the start, in the text format of Prometheus. */
  text(): string
}

const none = (): Record<Counter, number> => ({
  Heartbeat: 0,
  EnclaveStarts: 0,
  DetectorErrors: 0,
  AttestationFailures: 0,
  DekRefreshFailures: 0,
})

export function createMetrics(): Metrics {
  const totals = none()
  let recent = none()
  let latenciesMs: number[] = []
  const buckets = [...BOUNDS, Infinity].map((bound) => ({ bound, count: 0 }))
  let seconds = 0
  const outcomes = new Map<OutcomeName, number>()
  let isAlive = false

  function count(counter: Counter): void {
    totals[counter] += 1
    recent[counter] += 1
  }

  return {
    beat: () => void (isAlive = true),
    count,
    latency(ms) {
      if (latenciesMs.length < MAX_SAMPLES) latenciesMs.push(ms)
      seconds += ms / 1000
      const bucket = buckets.find(({ bound }) => ms / 1000 <= bound)
      if (bucket !== undefined) bucket.count += 1
    },
    observe: ({ outcome }) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1),
    watch: (log) => (level, code, fields) => {
      const kind = KINDS.get(code)
      if (kind !== undefined) count(kind)
      if (level !== 'info') count('DetectorErrors')
      log(level, code, fields)
    },
    report() {
      if (isAlive) count('Heartbeat')
      const report = { counts: recent, latenciesMs }
      isAlive = false
      recent = none()
      latenciesMs = []
      return report
    },
    text: () => exposition(totals, outcomes, { buckets, seconds }),
  }
}

interface Histogram {
  readonly buckets: readonly { readonly bound: number; readonly count: number }[]
  readonly seconds: number
}

function exposition(
  totals: Readonly<Record<Counter, number>>,
  outcomes: ReadonlyMap<OutcomeName, number>,
  { buckets, seconds }: Histogram,
): string {
  let below = 0
  const cumulative = buckets.map(({ bound, count }) => {
    below += count
    return `driftseal_alert_latency_seconds_bucket{le="${bound === Infinity ? '+Inf' : bound}"} ${below}\n`
  })
  return [
    counter('driftseal_heartbeats_total', 'Minutes in which events were judged.', totals.Heartbeat),
    counter('driftseal_errors_total', 'What had to be tried again or was given up.', totals.DetectorErrors),
    counter('driftseal_attestation_failures_total', 'Refused unwraps and sessions.', totals.AttestationFailures),
    counter('driftseal_dek_refresh_failures_total', 'Failed looks for a new data key.', totals.DekRefreshFailures),
    '# HELP driftseal_outcomes_total Events by what became of them.\n# TYPE driftseal_outcomes_total counter\n',
    ...Array.from(outcomes, ([outcome, value]) => `driftseal_outcomes_total{outcome="${outcome}"} ${value}\n`),
    '# HELP driftseal_alert_latency_seconds From the receipt of an event to its alert in the ledger.\n',
    '# TYPE driftseal_alert_latency_seconds histogram\n',
    ...cumulative,
    `driftseal_alert_latency_seconds_sum ${seconds}\n`,
    `driftseal_alert_latency_seconds_count ${below}\n`,
  ].join('')
}

const counter = (name: string, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${value}\n`
