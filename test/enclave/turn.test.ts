import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurn } from '../../enclave/turn.ts'

describe('tasks that take turns', () => {
  it('begin in the order of asking, each when the one before has ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 8 }), async (scheduler, fates) => {
        const turn = createTurn()
        const seen: string[] = []
        const asked = fates.map((fails, index) =>
          turn(async () => {
            seen.push(`${index} begins`)
            await scheduler.schedule(Promise.resolve())
            seen.push(`${index} ends`)
            if (fails) throw new Error(`${index} failed`)
            return index
          }),
        )
        const results = Promise.allSettled(asked)
        await scheduler.waitFor(results)
        expect(seen).toEqual(fates.flatMap((_, index) => [`${index} begins`, `${index} ends`]))
        expect((await results).map(({ status }) => status)).toEqual(
          fates.map((fails) => (fails ? 'rejected' : 'fulfilled')),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('give their results, and their failures, to whoever asked', async () => {
    const turn = createTurn()
    const failing = turn(() => Promise.reject(new Error('mine')))
    const next = turn(async () => 7)
    await expect(failing).rejects.toThrow('mine')
    expect(await next).toBe(7)
  })
})
