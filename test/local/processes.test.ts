import { describe, expect, it, onTestFinished } from 'vitest'
import { start, StartError, type Running } from '../../local/processes.ts'

const startChild = async (
  args: readonly string[],
  options: NonNullable<Parameters<typeof start>[3]> = {},
): Promise<Running> => {
  const running = await start('the child', 'test/local/child.ts', args, options)
  onTestFinished(() => running.stop('SIGKILL'))
  return running
}

describe('a process', () => {
  it('is there once it says so, and knows nothing of our environment', async () => {
    const lines: string[] = []
    const { promise: heard, resolve } = Promise.withResolvers<unknown>()
    const { name, ready, child } = await startChild(['serves', 'a', 'b c'], {
      onLine: (line) => lines.push(line),
      onMessage: resolve,
    })
    expect([name, ready]).toEqual(['the child', 'ready a b c'])
    const { environment } = (await heard) as { environment: string[] } // what child.ts sends
    // Node adds what its own channel needs; and where it keeps what it has compiled is nobody's secret.
    expect(environment.filter((variable) => !/^NODE_(?:CHANNEL|COMPILE_CACHE$)/.test(variable))).toEqual([])
    expect(lines).toEqual(['ready a b c', 'a second line'])
    expect(child.exitCode).toBeNull()
  })

  it('is told to end, and has ended', async () => {
    const running = await startChild(['ends in order'])
    await running.stop()
    expect(await running.ended).toBe(7)
    await running.stop()
  })

  it('is killed when that is what is wanted', async () => {
    const running = await startChild(['ends in order'])
    await running.stop('SIGKILL')
    expect(await running.ended).toBeNull()
  })

  it('that ends by itself says how', async () => {
    const running = await startChild(['ends by itself'])
    running.child.send('now')
    expect(await running.ended).toBe(3)
    expect(running.child.signalCode).toBeNull()
  })

  it('that fails to start is reported with its last words', async () => {
    const failure: unknown = await startChild(['fails']).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StartError)
    expect(failure).toMatchObject({
      code: 'ERR_START',
      exit: 4,
      lastWords: expect.stringMatching(/ the reason$/) as string,
    })
    expect((failure as StartError).lastWords.length).toBeLessThanOrEqual(4096)
  })

  it('that says nothing before it ends is reported with its exit code', async () => {
    await expect(startChild(['says nothing'])).rejects.toThrow('the child did not start: it ended with 5')
  })
})

it('a process that is not there cannot be started', async () => {
  const failure: unknown = await start('nothing', 'test/local/nothing.ts', []).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ERR_START', exit: 1 })
})
