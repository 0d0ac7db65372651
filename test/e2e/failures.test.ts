import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { STATE } from '../../local/stack.ts'
import { FIRST_STATE, story } from '../../local/story.ts'
import { makeMutable, manyDrifts } from './drifts.ts'
import { eventIds, outcomes, readiness, readLedger, startChain } from './harness.ts'

const MESSAGES = 1000
/** The queue may still hand a message to a client that was killed; it comes back after this. */
const quickReturn = { queue_visibility_secs: 2 }

describe('the chain under failure', () => {
  it('quarantines what is malformed, counts it, and goes on', async () => {
    await using chain = await startChain()
    const { cloud } = chain.stack
    await cloud.send('not json')
    await cloud.send(JSON.stringify({ 'detail-type': 'AWS API Call via CloudTrail', detail: { eventName: 7 } }))
    await cloud.send(makeMutable('checkout-api').body)
    await chain.record.until(() => chain.record.findings.length === 3)
    expect(outcomes(chain.record.findings).toSorted()).toEqual(['drift', 'rejected', 'rejected'])
    expect(chain.record.logs.filter(({ code }) => code === 'quarantine.kept')).toHaveLength(2)
    const { findings, anomalies } = await readLedger(chain.stack)
    expect(outcomes(findings).toSorted()).toEqual(['drift', 'rejected', 'rejected'])
    expect(anomalies).toEqual([])
  })

  it('outlives its parent-proxy, and loses nothing', async () => {
    const { state, events } = manyDrifts(40)
    await using chain = await startChain({ state, config: quickReturn })
    const { stack, record } = chain
    for (const { body } of events.slice(0, 20)) await stack.cloud.send(body)
    await record.until(() => record.findings.length >= 5)
    await stack.parent.stop('SIGKILL')
    for (const { body } of events.slice(20)) await stack.cloud.send(body)
    await record.until(() => record.logs.some(({ code }) => code.endsWith('.failed')))
    await stack.startParent()
    await record.until(() => record.delivered.length >= events.length)
    const { findings, anomalies } = await readLedger(stack)
    expect(anomalies).toEqual([])
    expect(eventIds(findings).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  it('stores each drift exactly once when it is killed in the middle of 1,000 messages', async () => {
    const { state, events } = manyDrifts(MESSAGES)
    await using chain = await startChain({ state, config: quickReturn })
    const { stack, record } = chain
    await Promise.all(events.map(({ body }) => stack.cloud.send(body)))
    await record.until(() => record.findings.length >= MESSAGES / 3)
    await stack.enclave.stop('SIGKILL')
    await stack.startEnclave()
    await record.until(() => new Set(eventIds(record.delivered)).size === MESSAGES)
    const { findings, anomalies } = await readLedger(stack)
    expect(anomalies).toEqual([])
    expect(eventIds(findings).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  it('waits for a state that is missing, and says so', async () => {
    await using chain = await startChain({ state: null })
    const { stack, record } = chain
    await stack.cloud.send(makeMutable('checkout-api').body)
    await record.until(() => record.logs.some(({ code }) => code === 'state.missing'))
    expect(await readiness(stack)).toEqual({ status: 503, body: { status: 'waiting', for: ['state registry'] } })
    await stack.cloud.putState(STATE.bucket, STATE.key, FIRST_STATE)
    await record.until(() => record.findings.length === 1)
    expect(outcomes(record.findings)).toEqual(['drift'])
    expect(await readiness(stack)).toEqual({ status: 200, body: { status: 'serving' } })
  })

  it('keeps the last good state when a new one is malformed, also over a restart', async () => {
    await using chain = await startChain({ config: quickReturn })
    const { stack, record } = chain
    await stack.cloud.putState(STATE.bucket, STATE.key, '{"version": 3}')
    await record.until(() => record.logs.some(({ code }) => code === 'state.malformed'))
    await stack.enclave.stop('SIGKILL')
    await stack.startEnclave()
    expect(record.logs.map(({ code }) => code)).toContain('state.recalled')
    await stack.cloud.send(makeMutable('checkout-api').body)
    await record.until(() => record.findings.length === 2)
    expect(record.findings.find(({ outcome }) => outcome === 'tamper')?.event).toBe('StateRecalled')
    expect(record.findings.find(({ outcome }) => outcome === 'drift')?.resource?.address).toBe(
      'aws_ecr_repository.checkout',
    )
  })

  it('remembers open drifts over a restart: no second alert, and the mend is told', async () => {
    await using chain = await startChain({ config: quickReturn })
    const { stack, record } = chain
    const broken = makeMutable('checkout-api')
    await stack.cloud.send(broken.body)
    await record.until(() => record.delivered.length === 1)
    await stack.enclave.stop('SIGKILL')
    await stack.startEnclave()
    await stack.cloud.send(makeMutable('checkout-api').body)
    await record.until(() => record.findings.length === 2)
    await stack.cloud.send(story.at(-1)?.event().body ?? '')
    await record.until(() => record.findings.length === 3)
    expect(outcomes(record.findings)).toEqual(['drift', 'ignored', 'resolved'])
    expect(record.findings[2]?.resolves).toBe(broken.id)
  })

  it('ends with a line and a code when somebody else writes into its ledger', async () => {
    const { state, events } = manyDrifts(2)
    await using chain = await startChain({ state, config: quickReturn })
    const { stack, record } = chain
    await stack.cloud.send(events[0]?.body ?? '')
    await record.until(() => record.delivered.length === 1)
    await writeFile(join(stack.parentDir, 'blobs', 'alerts-000000000003'), 'not an alert')
    await stack.cloud.send(events[1]?.body ?? '')
    expect(await stack.enclave.ended).toBe(1)
    await stack.startEnclave()
    await record.until(() => record.findings.length === 2)
    expect(record.logs).toContainEqual(
      expect.objectContaining({
        code: 'ledger.anomaly',
        fields: expect.objectContaining({ kind: 'tampered' }) as object,
      }),
    )
  })
})
