import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Finding, OutcomeName } from '../../enclave/core/finding.ts'
import { openCursor } from '../../enclave/cursor.ts'
import { deliver } from '../../enclave/delivery.ts'
import { openLedger } from '../../enclave/ledger.ts'
import { createMemoryBlobs, type MemoryBlobs } from '../fakes/blobs.ts'
import { recordLog } from '../fakes/log.ts'
import { testVault } from '../fakes/vault.ts'
import { findingOf } from './findings.ts'

const SINK = 'on-call'
type Answer = 'taken' | 'refused' | 'away'

/** An enclave that delivers to one sink. Its store may be one that another left. */
async function delivering({
  blobs = createMemoryBlobs(),
  wanted = ['drift', 'resolved'],
  answers = () => 'taken',
}: { blobs?: MemoryBlobs; wanted?: readonly OutcomeName[]; answers?: (eventId: string) => Answer } = {}) {
  const vault = testVault(blobs)
  const { log, codes } = recordLog()
  const { alarms } = vault
  const { ledger } = await openLedger(vault, { parent: blobs, s3: undefined }, { alarms, log })
  const over = new AbortController()
  const heard: string[] = []
  const news = new EventEmitter()
  const sink = {
    name: SINK,
    async deliver({ eventId }: Finding) {
      heard.push(eventId)
      const answer = answers(eventId)
      news.emit('heard')
      if (answer === 'away') throw new Error('the sink is away')
      return answer
    },
  }
  const cursor = openCursor(SINK, vault)
  const written: number[] = []
  const noting: typeof cursor = {
    read: () => cursor.read(),
    async write(sequence) {
      await cursor.write(sequence)
      written.push(sequence)
      news.emit('written')
    },
  }
  const ended = deliver(sink, wanted, { ledger, cursor: noting, alarms, log, signal: over.signal })
  const stop = async (): Promise<void> => {
    over.abort()
    await ended.catch(() => {})
  }
  return {
    blobs,
    heard,
    written,
    codes,
    alarms: () => alarms.codes(),
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
    append: (...findings: readonly Finding[]) => ledger.append(findings, over.signal),
    /** Resolves once the sink is through with this place. */
    async reached(sequence: number) {
      while (written.at(-1) !== sequence) await once(news, 'written')
    },
    async heardOf(eventId: string) {
      while (!heard.includes(eventId)) await once(news, 'heard')
    },
  }
}

describe('a sink', () => {
  it('hears of each finding once, in order, with those to come', async () => {
    await using sink = await delivering()
    await sink.append(findingOf('a'), findingOf('b', 'resolved'))
    await sink.reached(1)
    expect(sink.heard).toEqual(['a', 'b'])
    await Promise.all([sink.append(findingOf('c')), sink.append(findingOf('d'))])
    await sink.reached(3)
    expect(sink.heard).toEqual(['a', 'b', 'c', 'd'])
    expect(sink.written).toEqual([1, 2, 3])
  })

  it('hears of what it wants, and passes by the rest', async () => {
    await using sink = await delivering({ wanted: ['resolved'] })
    await sink.append(findingOf('a'), findingOf('b', 'resolved'))
    await sink.append(findingOf('c', 'unmapped'))
    await sink.append()
    await sink.reached(3)
    expect(sink.heard).toEqual(['b'])
  })

  it('that is away is told again, and of nothing else before', async () => {
    let tries = 0
    await using sink = await delivering({ answers: () => (tries++ < 2 ? 'away' : 'taken') })
    await sink.append(findingOf('a'), findingOf('b'))
    await sink.reached(1)
    expect(sink.heard).toEqual(['a', 'a', 'a', 'b'])
    expect(sink.codes().filter((code) => code === 'sink.on-call.failed')).toHaveLength(2)
  })

  it('that refuses one finding hears of the next; the log says so', async () => {
    await using sink = await delivering({ answers: (id) => (id === 'a' ? 'refused' : 'taken') })
    await sink.append(findingOf('a'), findingOf('b'))
    await sink.reached(1)
    expect(sink.heard).toEqual(['a', 'b'])
    expect(sink.codes()).toContain('sink.on-call.refused')
  })

  it('ends when all is over, also while it is away', async () => {
    const sink = await delivering({ answers: () => 'away' })
    await sink.append(findingOf('a'))
    await sink.heardOf('a')
    await sink.stop()
    await expect(sink.ended).rejects.toMatchObject({ name: 'AbortError' })
    expect(sink.written).toEqual([])
  })
})

describe('after a restart a sink', () => {
  it('goes on where it left off', async () => {
    await using first = await delivering()
    await first.append(findingOf('a'))
    await first.reached(1)
    await first.stop()
    await using second = await delivering({ blobs: first.blobs })
    await second.append(findingOf('b'))
    await second.reached(2)
    expect(second.heard).toEqual(['b'])
    expect(second.alarms()).toEqual([])
  })

  it('hears again of what it had not said that it took', async () => {
    await using first = await delivering({ answers: (id) => (id === 'b' ? 'away' : 'taken') })
    await first.append(findingOf('a'), findingOf('b'))
    await first.heardOf('b')
    await first.stop()
    await using second = await delivering({ blobs: first.blobs })
    await second.reached(1)
    expect(second.heard).toEqual(['a', 'b'])
  })

  it('whose cursor the host has rolled back hears again, and misses nothing', async () => {
    await using first = await delivering()
    await first.append(findingOf('a'))
    await first.reached(1)
    const old = new Map(first.blobs.objects)
    for (const id of ['b', 'c']) await first.append(findingOf(id))
    await first.reached(3)
    await first.stop()
    for (const [name, object] of old) first.blobs.objects.set(name, object)
    await using second = await delivering({ blobs: first.blobs })
    await second.reached(3)
    expect(second.heard).toEqual(['b', 'c'])
  })

  it('whose ledger the host has cut short hears of all that is new, and people of the cut', async () => {
    await using first = await delivering()
    for (const id of ['a', 'b', 'c']) await first.append(findingOf(id))
    await first.reached(3)
    await first.stop()
    for (const name of [...first.blobs.objects.keys()].filter((key) => /^alerts-0*[23]$/.test(key))) {
      first.blobs.objects.delete(name)
    }
    await using second = await delivering({ blobs: first.blobs })
    await second.append(findingOf('d'))
    await second.reached(2)
    expect(second.heard).toEqual(['d'])
    expect(second.alarms()).toEqual(['LedgerTampered'])
  })
})

describe('while the parent is away', () => {
  it.each(['get', 'replace'] as const)('%s is tried again, and nothing is told twice', async (failing) => {
    await using first = await delivering()
    await first.append(findingOf('a'))
    await first.reached(1)
    await first.stop()
    const { blobs } = first
    await using second = await delivering({ blobs })
    const failures = [true]
    blobs.fault = (verb) => (verb === failing && failures.pop() === true ? 'before' : undefined)
    await second.append(findingOf('b'))
    await second.reached(2)
    expect(second.heard).toEqual(['b'])
    expect(second.codes().filter((code) => code.endsWith('.failed'))).toHaveLength(1)
  })
})
