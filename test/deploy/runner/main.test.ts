import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHealth } from '../../../deploy/runner/health.ts'
import { fakeNitroCli, ID, type Saying } from './fake_nitro_cli.ts'

const MAIN = fileURLToPath(new URL('../../../deploy/runner/main.ts', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  return port
}

/** The runner as it runs, with a nitro-cli that is ours. */
async function spawnRunner(sayings: Readonly<Record<string, Saying>> = {}, changes = {}) {
  const { program, calls } = await fakeNitroCli(sayings)
  const port = await freePort()
  const settings = { environment: 'test', eif: '/app/driftseal.eif', cid: 16, cpu_count: 2, memory_mib: 2048, port }
  const file = `${program}.settings.json`
  await writeFile(file, JSON.stringify({ ...settings, ...changes }))
  const child = spawn(process.execPath, [MAIN, file, program], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null') as Record<string, unknown> | null
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  return { child, ended, next, get, errors: text(child.stderr), called: () => readFile(calls, 'utf8') }
}

describe('the runner process', () => {
  it('starts the enclave, says that it lives, and ends it on SIGTERM', async () => {
    const runner = await spawnRunner()
    expect(await runner.next()).toMatchObject({ code: 'enclave-started', id: ID, cid: 16 })
    expect((await runner.get('/healthz')).status).toBe(200)
    expect(await (await runner.get('/metrics')).text()).toMatch(/^driftseal_enclave_running 1$/m)
    expect((await runner.get('/')).status).toBe(404)
    runner.child.kill('SIGTERM')
    expect(await runner.next()).toMatchObject({ code: 'enclave-terminated', id: ID })
    expect(await runner.ended).toEqual([0, null])
    expect(await runner.called()).toContain(`terminate-enclave --enclave-id ${ID}`)
  })

  it('ends with what nitro-cli said and what to do, for Kubernetes to try again', async () => {
    const runner = await spawnRunner({ 'run-enclave': { err: '[ E27 ] Insufficient memory available.\n', exit: 27 } })
    expect(await runner.ended).toEqual([1, null])
    expect(await runner.errors).toMatch(/^runner: nitro-cli run-enclave: \[ E27 \] Insufficient memory available\. \(/)
  })

  it('does not start an enclave whose console would be shown in production', async () => {
    const runner = await spawnRunner({}, { environment: 'production', debug: true })
    expect(await runner.ended).toEqual([1, null])
    expect(await runner.errors).toContain('debug: not in production')
    await expect(runner.called()).rejects.toThrow('ENOENT')
  })
})

describe('health', () => {
  it.each([
    ['before the enclave started', undefined, 503, 0],
    ['while it was seen not long ago', 60_000, 200, 1],
    ['once it was not seen for too long', 59_999, 503, 0],
  ])('%s', async (_, seenAt, status, running) => {
    const state = { seenAt, startedAt: seenAt, failedChecks: 3 }
    const server = createHealth(state, 40_000, () => 100_000).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(status)
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(metrics).toMatch(new RegExp(`^driftseal_enclave_running ${running}$`, 'm'))
    expect(metrics).toMatch(/^driftseal_enclave_failed_checks_total 3$/m)
  })
})
