import { describe, expect, it } from 'vitest'
import { codeOf, persist, reasonOf } from '../../enclave/retry.ts'
import { recordLog } from '../fakes/log.ts'

/** An error with so many causes behind it. */
const caused = (depth: number): Error => (depth === 0 ? new Error('x') : new Error('x', { cause: caused(depth - 1) }))

class Refused extends Error {
  readonly code = 'refused'
}

/** Persists with something that fails so often, and waits no time at all. */
async function persistently(failures: number, options: { signal?: AbortSignal; isFinal?: () => boolean } = {}) {
  const { log, lines } = recordLog()
  const waited: number[] = []
  let attempts = 0
  const attempt = async (): Promise<number> => {
    attempts += 1
    if (attempts <= failures) throw new Refused('with content that no log may have')
    return attempts
  }
  const signal = options.signal ?? new AbortController().signal
  const outcome = await persist('thing', attempt, { log, ...options, signal }, async (ms) => {
    waited.push(ms)
  }).catch((error: unknown) => error)
  return { outcome, attempts, waited, lines }
}

describe('what has to be done', () => {
  it('is done once when it goes well', async () => {
    expect(await persistently(0)).toEqual({ outcome: 1, attempts: 1, waited: [], lines: [] })
  })

  it('is tried until it goes well, with longer and longer pauses up to a longest', async () => {
    const { outcome, waited, lines } = await persistently(10)
    expect(outcome).toBe(11)
    const pauses = [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]
    expect(lines).toEqual(
      pauses.map((ms) => ({ level: 'warn', code: 'thing.failed', fields: { error: 'refused', retry_ms: ms } })),
    )
    for (const [index, pause] of pauses.entries()) {
      expect(waited[index]).toBeGreaterThanOrEqual(pause / 2)
      expect(waited[index]).toBeLessThanOrEqual(pause)
    }
  })

  it('is not tried again when no waiting can mend it', async () => {
    const { outcome, attempts, lines } = await persistently(9, { isFinal: () => true })
    expect(outcome).toBeInstanceOf(Refused)
    expect([attempts, lines]).toEqual([1, []])
  })

  it('is not begun when all is over', async () => {
    const { outcome, attempts } = await persistently(0, { signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ name: 'AbortError' })
    expect(attempts).toBe(0)
  })

  it.each([
    ['while it is tried', 'attempt'],
    ['while it waits', 'wait'],
  ])('ends %s, when all is over', async (_what, during) => {
    const over = new AbortController()
    const { log, codes } = recordLog()
    const attempt = async () => {
      if (during === 'attempt') over.abort()
      else queueMicrotask(() => queueMicrotask(() => over.abort()))
      throw new Refused('no')
    }
    await expect(persist('thing', attempt, { log, signal: over.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(codes()).toEqual(during === 'attempt' ? [] : ['thing.failed'])
  })
})

it.each<[string, unknown, string]>([
  ['a code of ours', new Refused('x'), 'refused'],
  [
    'a code of the system',
    Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED',
  ],
  ['a name', new TypeError('cannot read "secret"'), 'TypeError'],
  ['a name, where the code is a number', Object.assign(new Error('x'), { code: 7 }), 'Error'],
  [
    'the codes of its causes too',
    new Error('x', { cause: new Refused('y', { cause: new TypeError('z') }) }),
    'Error/refused/TypeError',
  ],
  ['no more causes than are of use', caused(9), 'Error/Error/Error/Error'],
  ['nothing, of what is no error', 'a secret', 'unknown'],
])('the log may have %s', (_what, error, code) => {
  expect(codeOf(error)).toBe(code)
})

it.each<[string, unknown, object]>([
  ['of an error of ours', new Refused('wait for the parent'), { reason: 'wait for the parent' }],
  ['of no other', new SyntaxError('unexpected token in "a secret"'), {}],
  ['of nothing else', 'a secret', {}],
])('the log may have the message %s', (_what, error, reason) => {
  expect(reasonOf(error)).toEqual(reason)
})
