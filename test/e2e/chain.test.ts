import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attestIngress } from '../../local/attest.ts'
import { searchPlaintext, stringsOf } from '../../local/search.ts'
import { STATE } from '../../local/stack.ts'
import { FIRST_STATE, story } from '../../local/story.ts'
import { outcomes, readLedger, startChain, unwrapDeks, type Chain } from './harness.ts'

describe('the chain, from the queue to the webhook', () => {
  let chain: Chain
  const sent: string[] = []

  beforeAll(async () => {
    chain = await startChain()
    for (const [index, { event, newState }] of story.entries()) {
      const { body } = event()
      sent.push(body)
      await chain.stack.cloud.send(body)
      if (newState !== undefined) await chain.stack.cloud.putState(STATE.bucket, STATE.key, newState)
      await chain.record.until(() => chain.record.findings.length > index)
    }
    await chain.record.until(() => chain.record.delivered.length === 3)
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  it('gives each event of the story its outcome', () => {
    expect(outcomes(chain.record.findings)).toEqual(['ignored', 'drift', 'ignored', 'drift', 'expected', 'resolved'])
  })

  it('says what changed, from which value to which, and by whom', () => {
    expect(chain.record.findings[1]).toMatchObject({
      kind: 'changed',
      verdict: 'confirmed',
      resource: { type: 'aws_ecr_repository', address: 'aws_ecr_repository.checkout', state: 'registry' },
      changes: { image_tag_mutability: ['IMMUTABLE', 'MUTABLE'] },
      actor: { name: 'admin@example.com', console: true },
      rules: [{ name: 'ecr_image_tag_mutability_enabled' }],
    })
  })

  it('delivers to the webhook what it stored, in order, under a signature', async () => {
    const { findings, anomalies } = await readLedger(chain.stack)
    expect(anomalies).toEqual([])
    expect(outcomes(findings)).toEqual(['drift', 'drift', 'resolved'])
    expect(chain.record.delivered).toEqual(findings)
  })

  it('writes the drift log to the operator’s side', async () => {
    const [first] = (await readFile(chain.stack.ndjson, 'utf8')).split('\n')
    expect(JSON.parse(first ?? '')).toEqual({
      service: 'ecr',
      event: 'PutImageTagMutability',
      resource: 'checkout-api',
      changes: { image_tag_mutability: ['IMMUTABLE', 'MUTABLE'] },
      user: 'admin@example.com',
      timestamp: chain.record.findings[1]?.time,
    })
  })

  it('empties the queue', async () => {
    expect(await chain.stack.cloud.depth()).toBe(0)
  })

  it('proves at the ingress which image and configuration answer', async () => {
    const { stack } = chain
    const [root, config] = await Promise.all([readFile(stack.nsmRoot), readFile(stack.config)])
    await expect(attestIngress(stack.ingressPort, { root, config, pcr0: stack.pcr0 })).resolves.toBeDefined()
    await expect(
      attestIngress(stack.ingressPort, { root, config: Buffer.from('another'), pcr0: stack.pcr0 }),
    ).rejects.toMatchObject({ code: 'user-data-mismatch' })
    await expect(attestIngress(stack.ingressPort, { root, config, pcr0: 'ab'.repeat(48) })).rejects.toMatchObject({
      code: 'pcr0-mismatch',
    })
  })

  it('leaves nothing readable with the host, the data key least of all', async () => {
    const [{ dek } = { dek: '' }] = await unwrapDeks(chain.stack)
    const search = await searchPlaintext(chain.stack.parentDir, [dek, ...[FIRST_STATE, ...sent].flatMap(stringsOf)])
    expect(search.hits).toEqual([])
    expect(search.files).toBeGreaterThan(5)
  })
})
