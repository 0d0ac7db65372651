import { beforeEach, describe, expect, it } from 'vitest'
import { BlobError } from '../../enclave/adapters/blobs.ts'
import { CopiesError } from '../../enclave/copies.ts'
import { openCursor } from '../../enclave/cursor.ts'
import type { Finding } from '../../enclave/core/finding.ts'
import { deliver } from '../../enclave/delivery.ts'
import { openLedger } from '../../enclave/ledger.ts'
import type { HostBytes } from '../../enclave/ports.ts'
import { createMemoryBlobs, flipped, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { recordLog } from '../fakes/log.ts'
import { keyOf, testVault, type TestVault } from '../fakes/vault.ts'
import { findingOf } from './findings.ts'

const { signal } = new AbortController()
const nameOf = (sequence: number): string => `alerts-${String(sequence).padStart(12, '0')}`
const TEXTS = ['1', '2', '3', '4', '5']

let parent: MemoryBlobs
let s3: MemoryBlobs
let vault: TestVault

/** Opens the ledger as a new enclave does. */
async function open(copies: { parent: MemoryBlobs; s3: MemoryBlobs | undefined } = { parent, s3 }) {
  vault = testVault(copies.parent)
  const log = recordLog()
  const opened = await openLedger(vault, copies, { alarms: vault.alarms, log: log.log })
  return { ...opened, log, alarms: vault.alarms, ids: opened.findings.map(({ eventId }) => eventId) }
}

const append = async (ledger: { append(f: readonly Finding[], s: AbortSignal): Promise<void> }, ...texts: string[]) => {
  for (const text of texts) await ledger.append([findingOf(text)], signal)
}

beforeEach(async () => {
  parent = createMemoryBlobs()
  s3 = createMemoryBlobs()
  await append((await open()).ledger, ...TEXTS)
})

const at = (sequence: number): HostBytes => parent.objects.get(nameOf(sequence)) ?? hostBytes('')
const put = (sequence: number, bytes: HostBytes): void => void parent.objects.set(nameOf(sequence), bytes)

/** An entry of the place that was sealed elsewhere, under the same key. */
async function elsewhere(environment: string, sequence: number): Promise<HostBytes> {
  const blobs = createMemoryBlobs()
  const foreign = testVault(blobs, { environment })
  const { ledger } = await openLedger(
    foreign,
    { parent: blobs, s3: undefined },
    {
      alarms: foreign.alarms,
      log: recordLog().log,
    },
  )
  await append(ledger, ...TEXTS)
  return blobs.objects.get(nameOf(sequence)) ?? hostBytes('')
}

it('an entry is in both copies, in S3 last, before its append is done', async () => {
  const { ledger } = await open()
  const order: string[] = []
  for (const [name, copy] of Object.entries({ parent, s3 })) {
    copy.fault = (verb) => {
      order.push(`${name} ${verb}`)
      return undefined
    }
  }
  await append(ledger, '6')
  expect(order).toEqual(['parent create', 's3 create'])
  expect(s3.objects).toEqual(parent.objects)
})

it('an answer that is lost on its way is no second entry', async () => {
  const { ledger, log } = await open()
  let lost = false
  s3.fault = (verb) => {
    if (verb !== 'create' || lost) return undefined
    lost = true
    return 'after'
  }
  await append(ledger, '6')
  expect(log.codes()).toContain('ledger.append.failed')
  expect((await open()).ids).toEqual([...TEXTS, '6'])
})

it.each(['parent', 's3'] as const)('another writer in the %s ends it', async (which) => {
  const { ledger } = await open()
  const other = { parent, s3 }[which]
  other.objects.set(nameOf(6), hostBytes('another'))
  await expect(append(ledger, '6')).rejects.toThrow(CopiesError)
})

it('two appends at once become two places', async () => {
  const { ledger } = await open()
  await Promise.all([append(ledger, '6'), append(ledger, '7')])
  expect((await open()).ids).toEqual([...TEXTS, '6', '7'])
})

it('the keys are told in the order in which they sealed', async () => {
  const { ledger } = await open()
  vault.sealWith(2)
  await ledger.append([], signal)
  const again = await open()
  expect(again.keys).toEqual([keyOf(1), keyOf(2)])
  expect(again.ids).toEqual(TEXTS)
  expect(vault.asked).toContain(keyOf(2))
})

type Attack = () => void | Promise<void>

/** What a host merely forgets from the end, only another copy shows. */
const forgotten: [what: string, attack: Attack, proved: string][] = [
  ['lost all of it', () => parent.objects.clear(), ''],
  ['hid the newest', () => forget(4, 5), '123'],
]

const attacks: [what: string, attack: Attack, proved: string, said: RegExp][] = [
  ['lost one', () => forget(3), '1245', /place 3 is missing/],
  ['lost some', () => forget(2, 3), '145', /places 2 to 3 are missing/],
  ['altered one', () => put(2, flipped(at(2))), '1345', /at place 2 was altered or cut/],
  ['cut one short', () => put(2, hostBytes(at(2).subarray(0, -9))), '1345', /at place 2 was altered or cut/],
  [
    'exchanged two',
    () => {
      const [two, four] = [at(2), at(4)]
      put(2, four)
      put(4, two)
    },
    '135',
    /place 2 holds the entry of place 4; place 4 holds the entry of place 2/,
  ],
  ['replayed an old one under a new name', () => put(5, at(1)), '1234', /place 5 holds the entry of place 1/],
  [
    'put one of another environment there',
    async () => put(3, await elsewhere('staging', 3)),
    '1245',
    /place 3 holds something that was not sealed for it \(wrong-environment\)/,
  ],
  [
    'put another object of ours there',
    () => put(3, hostBytes(vault.seal({ purpose: 'quarantine', stream: 'alerts', sequence: 3 }, Buffer.from('[]')))),
    '1245',
    /place 3 holds something that was not sealed for it \(wrong-purpose\)/,
  ],
]

describe('a host that', () => {
  const all = [...forgotten, ...attacks].map(([what, attack]): [string, Attack] => [what, attack])
  it.each(all)('%s is found out, put right from S3, and told', async (_what, attack) => {
    const before = new Map(s3.objects)
    await attack()
    const { ids, alarms } = await open()
    expect(ids).toEqual(TEXTS)
    expect(alarms.codes()).toEqual(['LedgerRepaired'])
    expect(parent.objects).toEqual(before)
    expect(s3.objects).toEqual(before)
    expect((await open()).alarms.all).toEqual([]) // all is well now
  })

  it.each(attacks)(
    '%s is found out without S3, and what can be proved is kept',
    async (_what, attack, proved, said) => {
      await attack()
      const { ids, alarms } = await open({ parent, s3: undefined })
      expect(ids.join('')).toBe(proved)
      expect(alarms.all).toMatchObject([{ code: 'LedgerTampered', reason: expect.stringMatching(said) as string }])
      expect((await open({ parent, s3: undefined })).alarms.all).toEqual(alarms.all) // the same id: people are told once
    },
  )

  it.each(forgotten)('%s is not seen by a ledger that has no other copy', async (_what, attack, proved) => {
    await attack()
    const { ids, alarms } = await open({ parent, s3: undefined })
    expect(ids.join('')).toBe(proved)
    expect(alarms.all).toEqual([])
  })

  it('adds what nobody has otherwise is found out, and nothing is put there', async () => {
    put(6, hostBytes('noise'))
    const { ids, alarms } = await open()
    expect(ids).toEqual(TEXTS)
    expect(alarms.codes()).toEqual(['LedgerTampered'])
    expect(s3.objects.has(nameOf(6))).toBe(false)
  })

  it('does another thing as well raises another alarm', async () => {
    put(2, flipped(at(2)))
    const [first] = (await open({ parent, s3: undefined })).alarms.all
    put(4, flipped(at(4)))
    const [second] = (await open({ parent, s3: undefined })).alarms.all
    expect(second?.id).not.toBe(first?.id)
  })

  it('hid an entry while it was being stored cannot bring it back later', async () => {
    const { ledger } = await open()
    const crash = new AbortController()
    s3.fault = (verb) => (verb === 'create' ? (crash.abort(), 'before') : undefined)
    await expect(ledger.append([findingOf('hidden')], crash.signal)).rejects.toThrow('aborted')
    s3.fault = () => undefined
    const hidden = at(6)
    forget(6)
    await append((await open()).ledger, '6', '7')
    put(6, hidden)
    const { ids, alarms } = await open()
    expect(ids).toEqual([...TEXTS, '6', '7'])
    expect(alarms.codes()).toEqual(['LedgerRepaired'])
    expect(parent.objects).toEqual(s3.objects)
  })

  it('cut the ledger short is found out by a cursor, and the sink misses nothing', async () => {
    const told: string[] = []
    await open({ parent, s3: undefined })
    await openCursor('sink', vault).write(5)
    forget(4, 5)
    const { ledger, alarms, log } = await open({ parent, s3: undefined })
    const stop = new AbortController()
    const following = deliver(sinkOf(told, stop, 'new'), ['drift'], {
      ledger,
      cursor: openCursor('sink', vault),
      alarms,
      log: log.log,
      signal: stop.signal,
    })
    await append(ledger, 'new')
    await expect(following).rejects.toThrow('aborted')
    expect(told).toEqual(['new'])
    expect(alarms.all).toMatchObject([
      {
        code: 'LedgerTampered',
        reason: expect.stringMatching(/ends at place 3, but sink was told of place 5/) as string,
      },
    ])
  })

  it('takes an entry away while it runs is found out when it is read', async () => {
    const { ledger, alarms } = await open({ parent, s3: undefined })
    forget(2)
    put(3, flipped(at(3)))
    expect([await ledger.read(2), await ledger.read(3)]).toEqual([[], []])
    expect(alarms.all).toMatchObject([{ id: 'unreadable-2' }, { id: 'unreadable-3' }])
    const withS3 = await open()
    forget(4)
    expect(await withS3.ledger.read(4)).toMatchObject([{ eventId: '4' }])
  })
})

it.each<[string, () => void]>([
  ['died before S3 had the newest entry', () => s3.objects.delete(nameOf(5))],
  ['had no S3 until now', () => s3.objects.clear()],
])('an enclave that %s completes S3, and says nothing of it', async (_what, lose) => {
  lose()
  const { ids, alarms } = await open()
  expect(ids).toEqual(TEXTS)
  expect(alarms.all).toEqual([])
  expect(s3.objects).toEqual(parent.objects)
})

it('what is wrong in S3 is made up for by the parent, and never overwritten', async () => {
  s3.objects.set(nameOf(3), hostBytes('foreign'))
  parent.objects.delete(nameOf(5))
  expect((await open()).ids).toEqual(TEXTS)
  expect(s3.objects.get(nameOf(3))).toEqual(hostBytes('foreign'))
})

it('without S3 to be reached nothing is opened', async () => {
  s3.fault = () => 'before'
  await expect(open()).rejects.toThrow(BlobError)
})

function forget(...sequences: readonly number[]): void {
  for (const sequence of sequences) parent.objects.delete(nameOf(sequence))
}

const sinkOf = (told: string[], stop: AbortController, last: string) => ({
  name: 'sink',
  async deliver({ eventId }: Finding) {
    told.push(eventId)
    if (eventId === last) queueMicrotask(() => stop.abort())
    return 'taken' as const
  },
})
