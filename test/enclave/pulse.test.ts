import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCloudWatch } from '../../enclave/adapters/cloudwatch.ts'
import { createMetrics } from '../../enclave/metrics.ts'
import { pulse } from '../../enclave/pulse.ts'
import { createCa } from '../../local/aws/ca.ts'
import { agentTo, serveFront, type Front } from '../../local/aws/front.ts'
import { hostsOf } from '../../local/aws/hosts.ts'
import { createMonitoring, type Datum } from '../../local/aws/monitoring.ts'
import { recordLog } from '../fakes/log.ts'
import { REGION } from '../local/aws/clients.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const clock = { now: () => NOW }

let may: 'allowed' | 'denied' = 'allowed'
let front: Front
let put: ReturnType<typeof openCloudWatch>
const monitoring = createMonitoring()
beforeAll(async () => {
  const ca = await createCa(new Date())
  front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { monitoring: monitoring.service },
    access: (_key, _token, action) => (action === 'cloudwatch:PutMetricData' ? may : 'denied'),
  })
  const credentials = async () => ({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'example',
    expiration: new Date(Date.now() + 3_600_000),
  })
  put = openCloudWatch({ region: REGION, agent: agentTo({ port: front.port, ca: ca.pem }), credentials }, 'production')
})
afterAll(() => front.close())

/** What CloudWatch was told since it was last asked. */
let told = 0
function news(): readonly Datum[] {
  const data = monitoring.data.slice(told)
  told = monitoring.data.length
  return data
}

describe('CloudWatch', () => {
  it('is told every count, zeros too, under the environment', async () => {
    const metrics = createMetrics()
    metrics.beat()
    await put(metrics.report(), NOW)
    const data = news()
    expect(data.map(({ MetricName, Value }) => [MetricName, Value])).toEqual([
      ['Heartbeat', 1],
      ['EnclaveStarts', 0],
      ['DetectorErrors', 0],
      ['AttestationFailures', 0],
      ['DekRefreshFailures', 0],
    ])
    for (const { Namespace, Dimensions } of data) {
      expect(Namespace).toBe('DriftSeal')
      expect(Dimensions).toEqual([{ Name: 'Environment', Value: 'production' }])
    }
  })

  it('is told each latency, however many there are', async () => {
    const latenciesMs = Array.from({ length: 10_000 }, (_, index) => index)
    await put({ counts: createMetrics().report().counts, latenciesMs }, NOW)
    const values = news().flatMap(({ MetricName, Values = [] }) => (MetricName === 'EventToAlertLatency' ? Values : []))
    expect(values).toEqual(latenciesMs)
  })
})

describe('the pulse', () => {
  it('goes on when a report cannot be put, and says so', async () => {
    const stop = new AbortController()
    const metrics = createMetrics()
    const { log, codes } = recordLog()
    may = 'denied'
    let puts = 0
    const ended = pulse(
      {
        metrics,
        async put(report, at) {
          puts += 1
          if (puts === 2) may = 'allowed'
          if (puts === 3) stop.abort()
          await put(report, at)
        },
      },
      { clock, log: metrics.watch(log), signal: stop.signal, intervalMs: 1 },
    )
    await expect(ended).rejects.toThrow('aborted')
    expect(codes()).toEqual(['metrics.put.failed'])
    // The first report was lost, its failure is in the second.
    expect(news().find(({ MetricName }) => MetricName === 'DetectorErrors')?.Value).toBe(1)
  })
})
