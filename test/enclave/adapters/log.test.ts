import { describe, expect, it } from 'vitest'
import { openParentLog } from '../../../enclave/adapters/log.ts'
import type { Parent } from '../../../enclave/adapters/parent.ts'
import { hostBytes } from '../../fakes/blobs.ts'

const MAX_PENDING = 1 << 20

interface Line {
  readonly code: string
  readonly dropped?: number
}

/** A parent that is told to take each batch, refuse it, or not answer at all. */
function logged() {
  const batches: { lines: readonly Line[]; answer(status: number): Promise<void>; fail(): Promise<void> }[] = []
  const parent: Parent = (method, path, { body = new Uint8Array() }) => {
    expect([method, path]).toEqual(['POST', '/log'])
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Parent>>>()
    const settled = async () => void (await Promise.allSettled([promise]), await new Promise(setImmediate))
    batches.push({
      lines: Buffer.from(body)
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line), // pino's
      answer: (status) => (resolve({ status, body: hostBytes('') }), settled()),
      fail: () => (reject(new Error('the parent is away')), settled()),
    })
    return promise
  }
  const codes = () => batches.map(({ lines }) => lines.map(({ code }) => code))
  return { log: openParentLog(parent), batches, codes }
}

describe('the log', () => {
  it('is lines of JSON: level, time, code and fields, and nothing of the machine', () => {
    const { log, batches } = logged()
    log('warn', 'state.missing', { state: 'network', count: 7, fine: false })
    expect(batches[0]?.lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        code: 'state.missing',
        state: 'network',
        count: 7,
        fine: false,
      },
    ])
  })

  it('goes out one batch at a time; what is said meanwhile goes with the next', async () => {
    const { log, batches, codes } = logged()
    for (const code of ['a', 'b', 'c']) log('info', code)
    expect(codes()).toEqual([['a']])
    await batches[0]?.answer(204)
    expect(codes()).toEqual([['a'], ['b', 'c']])
    await batches[1]?.answer(204)
    log('info', 'd')
    expect(codes()).toEqual([['a'], ['b', 'c'], ['d']])
    expect(batches[2]?.lines[0]).not.toHaveProperty('dropped')
  })

  it.each<[string, (batch: ReturnType<typeof logged>['batches'][number] | undefined) => Promise<void> | undefined]>([
    ['that the parent did not get', (batch) => batch?.fail()],
    ['that the parent refused', (batch) => batch?.answer(400)],
  ])('says in its next line how many lines are lost %s', async (_what, lose) => {
    const { log, batches } = logged()
    for (const code of ['a', 'b', 'c']) log('info', code)
    await lose(batches[0])
    await lose(batches[1])
    log('info', 'd')
    log('info', 'e')
    await batches[2]?.answer(204)
    expect(batches[2]?.lines).toMatchObject([{ code: 'd', dropped: 3 }])
    expect(batches[3]?.lines[0]).not.toHaveProperty('dropped')
  })

  it('has its bound while the parent does not answer, and counts what does not fit', async () => {
    const { log, batches } = logged()
    const padding = 'x'.repeat(1000)
    log('info', 'first')
    for (let count = 0; count < 2000; count += 1) log('info', 'line', { padding })
    await batches[0]?.answer(204)
    const lines = batches[1]?.lines ?? []
    expect(JSON.stringify(lines).length).toBeLessThan(MAX_PENDING)
    expect(lines.length).toBeGreaterThan(900)
    await batches[1]?.answer(204)
    log('info', 'last')
    const told = [...lines, ...(batches[2]?.lines ?? [])].reduce((sum, { dropped = 0 }) => sum + dropped, 0)
    expect(lines.length + told).toBe(2000)
  })
})
