import { describe, expect, it } from 'vitest'
import type { Status } from '../../../deploy/runner/health.ts'
import { NitroCliError, type NitroCli } from '../../../deploy/runner/nitro_cli.ts'
import { EnclaveEndedError, supervise } from '../../../deploy/runner/supervise.ts'

const settings = { environment: 'test', eif: 'e', cid: 16, cpu_count: 2, memory_mib: 64, debug: false, port: 0 }

/** An enclave of which each check learns the next of `answers`; after the last one the runner is told to stop. */
function scene(answers: readonly (boolean | Error)[]) {
  const stop = new AbortController()
  const said: string[] = []
  const asked: string[] = []
  const status: Status = { seenAt: undefined, startedAt: undefined, failedChecks: 0 }
  let next = 0
  const cli: NitroCli = {
    run: async () => 'an-enclave',
    async isRunning() {
      const answer = answers[next++]
      if (next === answers.length) stop.abort()
      if (answer instanceof Error) throw answer
      return answer ?? false
    },
    terminate: async (id) => void asked.push(`terminate ${id}`),
    console: (id) => void asked.push(`console ${id}`),
  }
  const around = { status, intervalMs: 0, signal: stop.signal, log: (_: string, code: string) => void said.push(code) }
  const run = (changes = {}) => supervise(cli, { ...settings, ...changes }, around)
  return { run, said, asked, status, stop }
}

describe('the runner', () => {
  it('ends the enclave when it is told to', async () => {
    const { run, said, asked, status } = scene([true, true])
    await run()
    expect(asked).toEqual(['terminate an-enclave'])
    expect(said).toEqual(['enclave-started', 'enclave-terminated'])
    expect(status.seenAt).toBeUndefined()
  })

  it('ends the enclave that it was told to while it started', async () => {
    const { run, asked, stop } = scene([])
    stop.abort()
    await run()
    expect(asked).toEqual(['terminate an-enclave'])
  })

  it('ends with the enclave that ends by itself', async () => {
    const { run, asked } = scene([true, false, true])
    await expect(run()).rejects.toThrow(EnclaveEndedError)
    expect(asked).toEqual([])
  })

  it('goes on when a check is not answered, and leaves it to liveness', async () => {
    const unanswered = new NitroCliError('timeout', 'no answer in time')
    const { run, said, status } = scene([unanswered, unanswered, true])
    await run()
    expect(status.failedChecks).toBe(2)
    expect(said.filter((code) => code === 'enclave-check-failed')).toHaveLength(2)
  })

  it('does not hide a mistake of its own', async () => {
    await expect(scene([new TypeError('a bug')]).run()).rejects.toThrow(TypeError)
  })

  it('shows the console of a debug enclave', async () => {
    const { run, asked } = scene([true])
    await run({ debug: true })
    expect(asked).toEqual(['console an-enclave', 'terminate an-enclave'])
  })
})
