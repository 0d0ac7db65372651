import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sealedWith } from '../../enclave/sealing/envelope.ts'
import { keyIdOf } from '../../enclave/sealing/ring.ts'
import type { LocalAws } from '../../local/aws/aws.ts'
import type { Stack } from '../../local/stack.ts'
import { story } from '../../local/story.ts'
import { manyDrifts } from './drifts.ts'
import { awsHere, eventIds, outcomes, readLedger, startChain, type Chain } from './harness.ts'

const EVENTS = 1000
const quick = { queue_visibility_secs: 2, dek_rotation_interval_secs: 1 }

const blobsOf = (stack: Stack): string => join(stack.parentDir, 'blobs')
const logged = ({ record }: Chain, code: string) => record.logs.filter((line) => line.code === code)

/** The keys that the parent's objects of this kind are sealed with. */
async function keysOf(stack: Stack, prefix: string): Promise<ReadonlySet<string>> {
  const names = (await readdir(blobsOf(stack))).filter((name) => name.startsWith(prefix))
  return new Set(await Promise.all(names.map(async (name) => sealedWith(await readFile(join(blobsOf(stack), name))))))
}

/** A chain whose AWS is in this process: `rotate` is the administrator's hand. `first` is the key that it starts with. */
async function startWithAws(options: Parameters<typeof startChain>[0]) {
  const { promise, resolve } = Promise.withResolvers<{ aws: LocalAws; first: Uint8Array }>()
  const started = (aws: LocalAws): void => {
    const first = aws.wrapDek()
    aws.secrets.put(aws.ready.dekSecret, first)
    resolve({ aws, first })
  }
  const chain = await startChain({ ...options, startAws: awsHere({ started }) })
  const { aws, first } = await promise
  const rotate = (wrapped: Uint8Array = aws.wrapDek()): Uint8Array => {
    aws.secrets.put(aws.ready.dekSecret, wrapped)
    return wrapped
  }
  return { chain, rotate, first }
}

it('a new key is taken while 1,000 events flow: none is lost, live objects follow, old entries stay readable', async () => {
  const { state, events } = manyDrifts(EVENTS)
  const { chain, rotate, first } = await startWithAws({ state, config: quick })
  await using running = chain
  const { stack, record } = running
  const old = keyIdOf(first)

  const sending = Promise.all(events.map(({ body }) => stack.cloud.send(body)))
  await record.until(() => record.findings.length >= EVENTS / 4)
  const put = performance.now()
  const wrapped = rotate()
  await record.until(() => logged(running, 'key.adopted').some(({ fields }) => fields['key'] === keyIdOf(wrapped)))
  process.stdout.write(
    `a new data key was adopted ${Math.round(performance.now() - put)} ms after it was put (interval ${quick.dek_rotation_interval_secs} s)\n`,
  )
  await sending
  await record.until(() => new Set(eventIds(record.delivered)).size === EVENTS)
  await record.until(() => logged(running, 'key.wiped').some(({ fields }) => fields['key'] === old))

  expect(await keysOf(stack, 'state-')).toEqual(new Set([keyIdOf(wrapped)]))
  expect(await keysOf(stack, 'cursor-')).toEqual(new Set([keyIdOf(wrapped)]))
  expect(await keysOf(stack, 'alerts-')).toEqual(new Set([old, keyIdOf(wrapped)]))
  const { findings, anomalies } = await readLedger(stack)
  expect(anomalies).toEqual([])
  expect(eventIds(findings).toSorted()).toEqual(events.map(({ id }) => id).toSorted())

  // The old key is in no stage of the secret any more: its stored wrapped form is what opens its entries.
  rotate()
  rotate()
  await stack.enclave.stop()
  await stack.startEnclave()
  expect(logged(running, 'key.restored').map(({ fields }) => fields['key'])).toContain(old)
  expect(logged(running, 'ledger.opened').at(-1)?.fields).toEqual({ findings: EVENTS, anomalies: 0, repaired: 0 })
})

it('a key that is put back is refused, by the running enclave and by the next, and people are told once', async () => {
  const { chain, rotate, first } = await startWithAws({ config: quick })
  await using running = chain
  const { stack, record } = running
  const second = rotate()
  await record.until(() => logged(running, 'key.adopted').length === 2)
  rotate(first)
  await record.until(() => record.delivered.length === 1)
  expect(record.delivered[0]).toMatchObject({ outcome: 'tamper', event: 'KeyRolledBack', service: 'driftseal' })
  await stack.enclave.stop()
  await stack.startEnclave()
  await stack.cloud.send(story[1]?.event().body ?? '')
  await record.until(() => record.delivered.at(-1)?.outcome === 'drift')
  expect(outcomes((await readLedger(stack)).findings)).toEqual(['tamper', 'drift'])
  // An enclave that stops right after a delivery delivers it again: the id says that it is the same.
  expect(new Set(eventIds(record.delivered)).size).toBe(2)
  const names = (await readdir(blobsOf(stack))).filter((name) => name.startsWith('alerts-')).sort()
  const newest = await readFile(join(blobsOf(stack), names.at(-1) ?? ''))
  expect(sealedWith(newest)).toBe(keyIdOf(second))
})

it('a host that forgets alerts is found out: the ledger is put right from S3, and people are told', async () => {
  await using running = await startChain({ config: quick })
  const { stack, record } = running
  for (const chapter of [1, 3]) await stack.cloud.send(story[chapter]?.event().body ?? '')
  await record.until(() => record.delivered.length === 2)
  const before = await readLedger(stack)
  await stack.enclave.stop()
  const names = (await readdir(blobsOf(stack))).filter((name) => name.startsWith('alerts-')).sort()
  for (const name of names.slice(-2)) await rm(join(blobsOf(stack), name))
  await stack.startEnclave()
  await record.until(() => record.delivered.at(-1)?.event === 'LedgerRepaired')
  const alarm = record.delivered.at(-1)
  expect(alarm).toMatchObject({ outcome: 'tamper', severity: 'high' })
  const after = await readLedger(stack)
  expect(after.anomalies).toEqual([])
  expect(eventIds(after.findings)).toEqual([...eventIds(before.findings), alarm?.eventId])
})
