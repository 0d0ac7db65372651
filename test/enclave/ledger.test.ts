import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CopiesError } from '../../enclave/copies.ts'
import { openLedger } from '../../enclave/ledger.ts'
import { createMemoryBlobs, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { recordLog } from '../fakes/log.ts'
import { testVault } from '../fakes/vault.ts'
import { findingOf, idsOf } from './findings.ts'

const { signal } = new AbortController()

/** The ledger in the parent's store alone, as an enclave that has just started finds it. */
async function open(blobs: MemoryBlobs = createMemoryBlobs()) {
  const vault = testVault(blobs)
  const { log, codes } = recordLog()
  const { ledger, findings } = await openLedger(vault, { parent: blobs, s3: undefined }, { alarms: vault.alarms, log })
  const append = (...ids: readonly string[]) =>
    ledger.append(
      ids.map((id) => findingOf(id)),
      signal,
    )
  return { blobs, ledger, append, ids: idsOf(findings), alarms: () => vault.alarms.codes(), codes }
}
const nameOf = (sequence: number): string => `alerts-${String(sequence).padStart(12, '0')}`

describe('a ledger', () => {
  it('begins empty', async () => {
    const { ledger, ids, alarms } = await open()
    expect([ledger.openedAt, ids, alarms()]).toEqual([0, [], []])
  })

  it('keeps what one event led to in one place, in order, over restarts', async () => {
    const { blobs, append, ledger } = await open()
    await append('a', 'b')
    await append('c')
    expect([...blobs.objects.keys()]).toEqual([nameOf(1), nameOf(2)])
    expect(idsOf(await ledger.read(1))).toEqual(['a', 'b'])
    expect(idsOf(await ledger.read(2))).toEqual(['c'])
    const again = await open(blobs)
    expect([again.ledger.openedAt, again.ids]).toEqual([2, ['a', 'b', 'c']])
    await again.append('d')
    expect((await open(blobs)).ids).toEqual(['a', 'b', 'c', 'd'])
  })

  it('gives the same finding back, to the last member', async () => {
    const { blobs, ledger } = await open()
    const finding = { ...findingOf('a'), changes: { 'tags.Naïve': [null, { deep: ['x', 1.5, true] }] as const } }
    await ledger.append([finding], signal)
    const { ledger: again } = await open(blobs)
    expect(await again.read(1)).toEqual([finding])
  })

  it('tells who waits that there is more, and not before it is stored', async () => {
    const { blobs, append, ledger } = await open()
    await append('a')
    await ledger.beyond(0, signal)
    const seen: string[] = []
    const waiting = ledger.beyond(1, signal).then(() => seen.push(`told at ${blobs.objects.size}`))
    blobs.fault = (verb) => {
      seen.push(verb)
      return undefined
    }
    await append('b')
    await waiting
    expect(seen).toEqual(['create', 'told at 2'])
  })

  it('is waited for by as many sinks as there may be, without a warning', async () => {
    const { ledger, append } = await open()
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    const waiting = Promise.all(Array.from({ length: 16 }, () => ledger.beyond(0, signal)))
    await append('a')
    await waiting
    await new Promise(setImmediate) // warnings come in the next turn
    process.off('warning', warned)
    expect(warnings).toEqual([])
  })

  it('lets go of who waits when all is over', async () => {
    const { ledger } = await open()
    const over = new AbortController()
    const waiting = ledger.beyond(0, over.signal)
    over.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('appending', () => {
  it('goes on until the parent has taken it', async () => {
    const { blobs, append, codes } = await open()
    const fates = ['before', 'before'] as const
    let tries = 0
    blobs.fault = () => fates[tries++]
    await append('a')
    expect(tries).toBe(3)
    expect(codes().filter((code) => code === 'ledger.append.failed')).toHaveLength(2)
    expect((await open(blobs)).ids).toEqual(['a'])
  })

  it('finds its place taken by its own bytes when only the answer was lost', async () => {
    const { blobs, append } = await open()
    const fates = ['after'] as const
    let tries = 0
    blobs.fault = (verb) => (verb === 'create' ? fates[tries++] : undefined)
    await append('a')
    await append('b')
    expect(tries).toBe(3)
    const again = await open(blobs)
    expect([again.ids, again.alarms()]).toEqual([['a', 'b'], []])
  })

  it.each<[string, (blobs: MemoryBlobs) => Promise<unknown> | undefined]>([
    ['the host', async (blobs) => blobs.objects.set(nameOf(2), hostBytes('noise'))],
    [
      'a second enclave',
      async (blobs) => {
        const copy = createMemoryBlobs()
        for (const [name, object] of blobs.objects) copy.objects.set(name, object)
        await (await open(copy)).append('another')
        blobs.objects.set(nameOf(2), copy.objects.get(nameOf(2)) ?? hostBytes(''))
      },
    ],
  ])('ends when its place was taken by %s, at once and for good', async (_what, take) => {
    const { blobs, append, codes } = await open()
    await append('a')
    await take(blobs)
    await expect(append('b')).rejects.toBeInstanceOf(CopiesError)
    expect(codes()).not.toContain('ledger.append.failed')
  })

  it('stops when all is over, and leaves the next to whoever comes', async () => {
    const { blobs, ledger, append } = await open()
    const over = new AbortController()
    blobs.fault = () => {
      over.abort()
      return 'before'
    }
    await expect(ledger.append([findingOf('a')], over.signal)).rejects.toMatchObject({ name: 'AbortError' })
    blobs.fault = () => undefined
    await append('b')
    expect((await open(blobs)).ids).toEqual(['b'])
  })

  it('by many at once makes one place for each, in the order of asking', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { maxLength: 12 }), async (lengths) => {
        const { blobs, append } = await open()
        const entries = lengths.map((length, entry) => Array.from({ length }, (_, at) => `${entry}.${at}`))
        await Promise.all(entries.map((ids) => append(...ids)))
        const { ids, ledger, alarms } = await open(blobs)
        expect([ids, ledger.openedAt, alarms()]).toEqual([entries.flat(), lengths.length, []])
      }),
      { numRuns: 25 },
    )
  })
})
