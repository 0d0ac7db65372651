import { describe, expect, it } from 'vitest'
import { rejected } from '../../enclave/core/draft.ts'
import { createMetrics } from '../../enclave/metrics.ts'
import type { Log } from '../../enclave/ports.ts'

const NOTHING = {
  Heartbeat: 0,
  EnclaveStarts: 0,
  DetectorErrors: 0,
  AttestationFailures: 0,
  DekRefreshFailures: 0,
}

describe('a report', () => {
  it('holds what happened since the one before', () => {
    const metrics = createMetrics()
    metrics.count('EnclaveStarts')
    metrics.latency(12)
    metrics.latency(700)
    expect(metrics.report()).toEqual({ counts: { ...NOTHING, EnclaveStarts: 1 }, latenciesMs: [12, 700] })
    expect(metrics.report()).toEqual({ counts: NOTHING, latenciesMs: [] })
  })

  it('has a heartbeat only if the loop came round since', () => {
    const metrics = createMetrics()
    metrics.beat()
    metrics.beat()
    expect(metrics.report().counts.Heartbeat).toBe(1)
    expect(metrics.report().counts.Heartbeat).toBe(0)
  })

  it.each<[Parameters<Log>[0], string, object]>([
    ['info', 'session.opened', {}],
    ['warn', 'queue.receive.failed', { DetectorErrors: 1 }],
    ['error', 'state.malformed', { DetectorErrors: 1 }],
    ['error', 'session.refused', { DetectorErrors: 1, AttestationFailures: 1 }],
    ['info', 'key.unusable', { AttestationFailures: 1 }],
    ['warn', 'key.refresh.failed', { DetectorErrors: 1, DekRefreshFailures: 1 }],
  ])('counts a line %s %s, which is logged all the same', (level, code, counted) => {
    const metrics = createMetrics()
    const lines: unknown[] = []
    metrics.watch((...line) => void lines.push(line))(level, code, { failures: 1 })
    expect(lines).toEqual([[level, code, { failures: 1 }]])
    expect(metrics.report().counts).toEqual({ ...NOTHING, ...counted })
  })

  it('keeps so many latencies and no more, and the histogram all', () => {
    const metrics = createMetrics()
    for (let index = 0; index < 10_001; index++) metrics.latency(1)
    expect(metrics.report().latenciesMs).toHaveLength(10_000)
    expect(metrics.text()).toContain('driftseal_alert_latency_seconds_count 10001\n')
  })
})

describe('the text for Prometheus', () => {
  it('counts since the start, whatever was reported', () => {
    const metrics = createMetrics()
    metrics.observe(rejected('not JSON'))
    for (const ms of [40, 50, 51, 800, 60_000]) metrics.latency(ms)
    metrics.report()
    const lines = metrics.text().split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'driftseal_outcomes_total{outcome="rejected"} 1',
        'driftseal_alert_latency_seconds_bucket{le="0.05"} 2',
        'driftseal_alert_latency_seconds_bucket{le="0.8"} 4',
        'driftseal_alert_latency_seconds_bucket{le="10"} 4',
        'driftseal_alert_latency_seconds_bucket{le="+Inf"} 5',
        'driftseal_alert_latency_seconds_sum 60.941',
        'driftseal_alert_latency_seconds_count 5',
      ]),
    )
  })

  it('is nothing but comments and samples', () => {
    const sample = /^driftseal_[a-z_]+(\{[a-z]+="[a-zA-Z0-9+.]+"\})? [0-9.]+$/
    for (const line of createMetrics().text().trimEnd().split('\n'))
      expect(line).toMatch(line.startsWith('#') ? /^# (HELP|TYPE) driftseal_/ : sample)
  })
})
