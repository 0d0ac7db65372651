import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createDrifts } from '../../enclave/core/drifts.ts'
import type { Finding, OutcomeName } from '../../enclave/core/finding.ts'
import type { JsonObject } from '../../enclave/core/json.ts'
import { createHold } from '../../enclave/hold.ts'
import { createMetrics } from '../../enclave/metrics.ts'
import type { Ledger } from '../../enclave/ledger.ts'
import { run, type Work } from '../../enclave/run.ts'
import { recordLog } from '../fakes/log.ts'
import { createMemoryQueue, type MemoryQueue } from '../fakes/queue.ts'
import { byTerraform, record, repository, stateOf, worldOf } from './core/world.ts'

const TIME = Date.parse('2025-12-06T07:30:00Z') // that of the catalog's example records
const MINUTE = 60_000
const STATE = 'example'

/** An enclave at its work. Its queue may be another's, and its ledger hold what that one stored. */
async function serving({
  queue = createMemoryQueue(),
  stored = [],
  missing = () => [],
  ...over
}: Partial<Work> & { queue?: MemoryQueue; stored?: (readonly Finding[])[]; missing?: () => readonly string[] } = {}) {
  const ending = new AbortController()
  const { log, codes } = recordLog()
  const observed: Finding[] = []
  const quarantined: string[] = []
  const metrics = createMetrics()
  const time = { now: TIME + MINUTE }
  const { promise: told, resolve: tell } = Promise.withResolvers<(moved: readonly string[]) => Promise<void>>()
  const work: Work = {
    queue,
    world: worldOf([stateOf(repository)], { drifts: createDrifts(stored.flat()) }),
    watch: {
      missing,
      refresh: async () => [],
      async follow(looked, signal) {
        tell(looked)
        await once(signal, 'abort')
      },
    },
    hold: createHold(),
    ledger: ledgerOf(async (findings) => void stored.push(findings)),
    quarantine: async (bytes) => void quarantined.push(Buffer.from(bytes).toString()),
    observe: (finding) => void observed.push(finding),
    metrics,
    clock: { now: () => time.now },
    log,
    ...over,
  }
  const ended = run(work, ending.signal)
  const stop = async (): Promise<void> => {
    ending.abort()
    await ended.catch(() => {})
  }
  return {
    queue,
    world: work.world,
    stored,
    quarantined,
    codes,
    metrics,
    time,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
    /** Tells that these states have moved. */
    looked: await told,
    /** Sends messages and waits until they are dealt with. */
    async handle(...bodies: readonly (string | Uint8Array)[]) {
      await queue.drained()
      queue.send(...bodies)
      await queue.drained()
    },
    outcomes: (): readonly OutcomeName[] => observed.map(({ outcome }) => outcome),
    lasting: (): readonly OutcomeName[] => stored.flat().map(({ outcome }) => outcome),
  }
}

const ledgerOf = (append: Ledger['append']): Ledger => ({
  append,
  read: async () => [],
  openedAt: 0,
  beyond: async () => {},
})

const repositoryName = 'my-app-repo'
const mutability = (imageTagMutability: string, over: JsonObject = {}) =>
  record('PutImageTagMutability', { repositoryName, imageTagMutability }, over)
const text = (...records: readonly unknown[]): string => JSON.stringify({ Records: records })
const nextState = (over: JsonObject) =>
  stateOf(
    { ...repository, 'aws_ecr_repository.app': { ...repository['aws_ecr_repository.app'], ...over } },
    { serial: 2 },
  )

describe('a message', () => {
  it('is removed once its findings are stored', async () => {
    await using enclave = await serving()
    await enclave.handle(text(mutability('MUTABLE')))
    expect(enclave.lasting()).toEqual(['drift'])
    expect(enclave.outcomes()).toEqual(['drift'])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('is still there while its findings are being stored', async () => {
    const { storing, release, ledger } = slowLedger()
    await using enclave = await serving({ ledger })
    const body = text(mutability('MUTABLE'))
    enclave.queue.send(body)
    await storing
    expect(enclave.queue.kept()).toEqual([body])
    expect(enclave.outcomes()).toEqual([])
    release()
    await enclave.queue.drained()
    expect(enclave.queue.kept()).toEqual([])
    expect(enclave.outcomes()).toEqual(['drift'])
  })

  it('is not removed when they cannot be stored: the enclave ends', async () => {
    await using enclave = await serving({ ledger: ledgerOf(() => Promise.reject(new Error('no ledger'))) })
    const body = text(mutability('MUTABLE'))
    enclave.queue.send(body)
    await expect(enclave.ended).rejects.toThrow('no ledger')
    expect(enclave.queue.kept()).toEqual([body])
    expect(enclave.outcomes()).toEqual([])
  })

  it('whose enclave dies between storing and removing leads to one finding in all', async () => {
    await using first = await serving()
    const { queue, stored } = first
    queue.fault = (verb) => verb === 'remove'
    await first.handle(text(mutability('MUTABLE')))
    expect(first.lasting()).toEqual(['drift'])
    expect(first.codes()).toEqual(['queue.remove.failed'])
    await first.stop()

    queue.fault = () => false
    await using second = await serving({ queue, stored })
    queue.redeliver()
    await queue.drained()
    expect(second.outcomes()).toEqual(['ignored'])
    expect(second.lasting()).toEqual(['drift'])
    expect(queue.kept()).toEqual([])
  })

  it('that comes twice leads to one finding', async () => {
    await using enclave = await serving()
    const body = text(mutability('MUTABLE'))
    await enclave.handle(body, body)
    expect(enclave.outcomes()).toEqual(['drift', 'ignored'])
    expect(enclave.lasting()).toEqual(['drift'])
  })

  it('leads to one entry with those that came with it, each judged by what the ones before it led to', async () => {
    await using enclave = await serving()
    await enclave.handle(text(mutability('MUTABLE'), mutability('IMMUTABLE')), text(mutability('MUTABLE')))
    expect(enclave.stored.map((entry) => entry.map(({ outcome }) => outcome))).toEqual([['drift', 'resolved', 'drift']])
  })

  it('is told to the metrics: that it was judged, and how long its alerts took', async () => {
    await using enclave = await serving()
    await enclave.handle(text(mutability('MUTABLE')), text(record('DescribeRepositories', {}, { readOnly: true })))
    expect(enclave.metrics.report()).toMatchObject({ counts: { Heartbeat: 1 }, latenciesMs: [0] })
    expect(enclave.metrics.report()).toMatchObject({ latenciesMs: [] })
  })

  it('with very many records leads to several entries', async () => {
    await using enclave = await serving()
    await enclave.handle(
      text(...Array.from({ length: 300 }, (_, index) => mutability(index % 2 ? 'IMMUTABLE' : 'MUTABLE'))),
    )
    expect(enclave.stored.map((entry) => entry.length)).toEqual([256, 44])
    expect(enclave.lasting()).toHaveLength(300)
  })

  it.each<[string, string, readonly OutcomeName[]]>([
    ['without records', text(), []],
    ['about nothing of note', text(record('DescribeRepositories', {}, { readOnly: true })), ['ignored']],
    ['about an expected change', text(mutability('IMMUTABLE', byTerraform())), ['expected']],
  ])('%s is removed, and nothing is stored', async (_what, body, outcomes) => {
    await using enclave = await serving()
    await enclave.handle(body)
    expect(enclave.outcomes()).toEqual(outcomes)
    expect(enclave.stored).toEqual([])
    expect(enclave.queue.kept()).toEqual([])
  })
})

describe('what is malformed', () => {
  const broken = { eventName: 7 }
  it.each<[string, string | Uint8Array, readonly string[], readonly OutcomeName[]]>([
    ['a message', 'not JSON', ['not JSON'], ['rejected']],
    ['an empty message', '', [''], ['rejected']],
    ['a message that is not UTF-8', Buffer.of(0x7b, 0xff), ['{\uFFFD'], ['rejected']],
    ['a record', text(broken), [JSON.stringify(broken)], ['rejected']],
    ['a record that is none', '7', ['7'], ['rejected']],
    [
      'one record of three',
      text(mutability('MUTABLE'), broken, mutability('IMMUTABLE')),
      [JSON.stringify(broken)],
      ['drift', 'rejected', 'resolved'],
    ],
  ])('%s: it is put away and told; the rest is judged; all is removed', async (_what, body, quarantined, outcomes) => {
    await using enclave = await serving()
    await enclave.handle(body, text(record('DeleteRepository', { repositoryName })))
    expect(enclave.quarantined).toEqual(quarantined)
    expect(enclave.lasting()).toEqual([...outcomes, 'drift'])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('is put away once, also when it comes again after a crash', async () => {
    const queue = createMemoryQueue()
    const stored: (readonly Finding[])[] = []
    queue.fault = (verb) => verb === 'remove'
    await using first = await serving({ queue, stored })
    await first.handle('not JSON', text(broken))
    await first.stop()
    queue.fault = () => false
    await using second = await serving({ queue, stored })
    queue.redeliver()
    await queue.drained()
    expect(first.quarantined).toEqual(['not JSON', JSON.stringify(broken)])
    expect(second.quarantined).toEqual([])
    expect(second.lasting()).toEqual(['rejected', 'rejected'])
    expect(queue.kept()).toEqual([])
  })

  it('is not removed before it is put away', async () => {
    const queue = createMemoryQueue()
    const kept: (readonly string[])[] = []
    const quarantine = async () => {
      kept.push(queue.kept())
      if (kept.length === 1) throw new Error('the parent is away')
    }
    await using enclave = await serving({ queue, quarantine })
    await enclave.handle('not JSON')
    expect(kept).toEqual([['not JSON'], ['not JSON']])
    expect(enclave.codes()).toEqual(['quarantine.failed'])
    expect(queue.kept()).toEqual([])
  })
})

describe('a change by Terraform', () => {
  const body = text(mutability('MUTABLE', byTerraform()))

  it('waits, hidden in its queue, for longer than it may wait', async () => {
    await using enclave = await serving()
    await enclave.handle(body)
    expect(enclave.outcomes()).toEqual([])
    expect(enclave.queue.kept()).toEqual([body])
    expect(enclave.queue.hidden).toEqual([{ body, seconds: 1800 + 60 }])
  })

  it('is not hidden for longer than SQS can', async () => {
    await using enclave = await serving({ world: worldOf([stateOf(repository)], { holdMs: 43_200_000 }) })
    await enclave.handle(body)
    expect(enclave.queue.hidden).toMatchObject([{ seconds: 43_000 }])
  })

  it.each<[string, JsonObject, OutcomeName]>([
    ['shows it', { image_tag_mutability: 'MUTABLE' }, 'expected'],
    ['does not show it', {}, 'drift'],
  ])('is judged when the state moves, and %s', async (_what, change, outcome) => {
    await using enclave = await serving()
    await enclave.handle(body)
    enclave.world.states.replace(nextState(change), TIME + 2 * MINUTE)
    await enclave.looked([STATE])
    expect(enclave.outcomes()).toEqual([outcome])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('goes on waiting while nothing moves, and is judged when it has waited enough', async () => {
    await using enclave = await serving()
    await enclave.handle(body)
    await enclave.looked([])
    expect(enclave.queue.kept()).toEqual([body])
    enclave.time.now = TIME + 30 * MINUTE
    await enclave.looked([])
    const reason = 'applied by Terraform, but not in its state'
    expect(enclave.stored.flat()).toMatchObject([{ outcome: 'drift', reason }])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('does not keep back the other events of its message, nor are they judged twice', async () => {
    await using enclave = await serving()
    const gone = record('DeleteRepositoryPolicy', { repositoryName })
    await enclave.handle(text(gone, mutability('MUTABLE', byTerraform())))
    expect(enclave.outcomes()).toEqual(['drift'])
    expect(enclave.queue.kept()).toHaveLength(1)
    enclave.world.states.replace(nextState({ image_tag_mutability: 'MUTABLE' }), TIME + 2 * MINUTE)
    await enclave.looked([STATE])
    expect(enclave.outcomes()).toEqual(['drift', 'expected'])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('that comes anew to another process waits for the rest of its run, long as that is over', async () => {
    const began = TIME + 40 * MINUTE
    await using enclave = await serving({ world: worldOf([stateOf(repository)], { began }) })
    enclave.time.now = began + MINUTE
    await enclave.handle(body)
    await enclave.handle(text(mutability('IMMUTABLE', { ...byTerraform(), eventTime: '2025-12-06T07:30:05Z' })))
    expect(enclave.outcomes()).toEqual(['expected'])
    enclave.time.now = began + 40 * MINUTE
    await enclave.looked([])
    expect(enclave.outcomes()).toEqual(['expected', 'expected'])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('that is delivered again while it waits is judged once', async () => {
    await using enclave = await serving()
    await enclave.handle(body)
    enclave.queue.redeliver()
    await enclave.queue.drained()
    expect(enclave.queue.hidden).toHaveLength(2)
    enclave.world.states.replace(nextState({}), TIME + 2 * MINUTE)
    await enclave.looked([STATE])
    expect(enclave.outcomes()).toEqual(['drift'])
    expect(enclave.queue.kept()).toEqual([])
  })

  it('outlives the enclave that held it: it is still in the queue', async () => {
    await using first = await serving()
    await first.handle(body)
    await first.stop()
    const { queue, stored } = first
    await using second = await serving({ queue, stored })
    second.world.states.replace(nextState({}), TIME + 2 * MINUTE)
    queue.redeliver()
    await queue.drained()
    expect(second.outcomes()).toEqual(['drift'])
    expect(queue.kept()).toEqual([])
  })

  it('goes back to the queue when there is no room to hold it', async () => {
    await using enclave = await serving({ hold: { add: () => false, take: () => [] } })
    await enclave.handle(body)
    expect(enclave.queue.hidden).toEqual([{ body, seconds: 300 }])
    expect(enclave.queue.kept()).toEqual([body])
    expect(enclave.codes()).toEqual(['hold.full'])
  })

  it('is held though its message cannot be hidden', async () => {
    await using enclave = await serving()
    enclave.queue.fault = (verb) => verb === 'hide'
    await enclave.handle(body)
    expect(enclave.codes()).toEqual(['queue.hide.failed'])
    enclave.world.states.replace(nextState({}), TIME + 2 * MINUTE)
    await enclave.looked([STATE])
    expect(enclave.outcomes()).toEqual(['drift'])
  })
})

describe('a new serial', () => {
  const agrees = nextState({ image_tag_mutability: 'MUTABLE' })

  it('that takes a drift over resolves it, for good', async () => {
    await using enclave = await serving()
    await enclave.handle(text(mutability('MUTABLE')))
    enclave.world.states.replace(agrees, TIME + MINUTE)
    await enclave.looked([STATE])
    await enclave.looked([STATE])
    expect(enclave.lasting()).toEqual(['drift', 'resolved'])
    expect(enclave.outcomes()).toEqual(['drift', 'resolved'])
  })

  it('waits for its turn while a message is judged', async () => {
    const { storing, release, ledger, order } = slowLedger()
    await using enclave = await serving({ ledger })
    enclave.queue.send(text(mutability('MUTABLE')))
    await storing
    enclave.world.states.replace(agrees, TIME + MINUTE)
    const looked = enclave.looked([STATE])
    release()
    await looked
    expect(order).toEqual(['drift begins', 'drift ends', 'resolved begins', 'resolved ends'])
  })
})

describe('time', () => {
  const suppressions = [
    { name: 'x', owner: 'o', reason: 'r', expires: '2025-12-31', match: { attribute: 'image_tag_mutability' } },
  ]

  it('ends a suppression, which is told once, with what it kept quiet', async () => {
    await using enclave = await serving({ world: worldOf([stateOf(repository)], { suppressions }) })
    await enclave.handle(text(mutability('MUTABLE')))
    await enclave.looked([])
    expect(enclave.lasting()).toEqual(['suppressed'])
    enclave.time.now = Date.parse('2026-01-01T00:00:00Z')
    await enclave.looked([])
    await enclave.looked([])
    expect(enclave.lasting()).toEqual(['suppressed', 'tamper', 'drift'])
  })
})

describe('the queue', () => {
  it('is left alone while a state is missing, and read when it has come', async () => {
    const queue = createMemoryQueue()
    let asked = 0
    queue.fault = () => {
      asked += 1
      return false
    }
    const looks = [[STATE], []]
    const askedAt: number[] = []
    const missing = () => {
      askedAt.push(asked)
      return looks.shift() ?? []
    }
    await using enclave = await serving({ queue, missing })
    await enclave.handle(text(mutability('MUTABLE')))
    expect(askedAt.slice(0, 2)).toEqual([0, 0])
    expect(enclave.lasting()).toEqual(['drift'])
  })

  it('that is away is asked again', async () => {
    const queue = createMemoryQueue()
    const away = [true]
    queue.fault = (verb) => verb === 'receive' && away.pop() === true
    await using enclave = await serving({ queue })
    await enclave.handle(text(mutability('MUTABLE')))
    expect(enclave.codes()).toEqual(['queue.receive.failed'])
    expect(enclave.lasting()).toEqual(['drift'])
  })
})

/** A ledger whose first entry takes until it is released. */
function slowLedger() {
  const [storing, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const order: string[] = []
  const ledger = ledgerOf(async ([finding]) => {
    order.push(`${finding?.outcome} begins`)
    storing.resolve()
    await released.promise
    order.push(`${finding?.outcome} ends`)
  })
  return { storing: storing.promise, release: released.resolve, order, ledger }
}
