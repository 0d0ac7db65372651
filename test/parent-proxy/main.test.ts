import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serve } from '../../vsock/index.ts'
import { ask, connectThrough, dialTcp, directory, large, readAll, sha256, tcpPeer } from './sockets.ts'

const MAIN = fileURLToPath(new URL('../../parent-proxy/main.ts', import.meta.url))

/** The parent as it runs: a process of its own, with settings from a file. */
function spawnParent(settings: string, ...options: readonly string[]) {
  const child = spawn(process.execPath, [...options, MAIN, settings], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null') as Record<string, unknown> | null
  return { child, ended, next, errors: readAll(child.stderr).then(String) }
}

async function stack(upstream: number) {
  const path = await directory()
  const unix = (name: string) => ({ kind: 'unix', path: join(path, name) }) as const
  const [egress, services, enclave] = [unix('3_8001.sock'), unix('3_8002.sock'), unix('16_8443.sock')]
  const inside = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  await serve(enclave, inside)
  onTestFinished(() => void inside.close())
  const file = join(path, 'settings.json')
  const settings = {
    egress: {
      listen: `unix:${egress.path}`,
      allow: ['upstream.example.com:443'],
      routes: { 'upstream.example.com:443': `127.0.0.1:${upstream}` },
    },
    services: {
      listen: `unix:${services.path}`,
      blobs: join(path, 'blobs'),
      credentials: { AccessKeyId: 'AKIAEXAMPLE', SecretAccessKey: 'secret', Token: 'session' },
    },
    ingress: { listen: '127.0.0.1:0', enclave: `unix:${enclave.path}` },
    log_file: join(path, 'parent.log'),
  }
  await writeFile(file, JSON.stringify(settings))
  return { file, settings, egress, services, log: settings.log_file }
}

describe('the parent process', () => {
  it('says where it listens, serves all three, and ends with 0 when it is told to', async () => {
    const { file, egress, services, log } = await stack(await tcpPeer((socket) => socket.pipe(socket)))
    const parent = spawnParent(file)
    const ready = await parent.next()
    expect(ready).toMatchObject({ level: 'info', code: 'ready', ingress_port: expect.any(Number) as number })

    const tunnel = await connectThrough(egress, 'upstream.example.com:443')
    expect(tunnel.status).toBe(200)
    const client = await dialTcp(Number(ready?.['ingress_port']))
    client.end('to the enclave')
    expect((await readAll(client)).toString()).toBe('to the enclave')
    expect((await ask(services, { method: 'PUT', path: '/blobs/a' }, Buffer.from('sealed'))).status).toBe(204)
    expect((await ask(services, { path: '/credentials' })).body.toString()).toContain('AKIAEXAMPLE')
    expect((await ask(services, { method: 'POST', path: '/log' }, Buffer.from('{"from":"enclave"}\n'))).status).toBe(
      204,
    )
    expect(await parent.next()).toEqual({ from: 'enclave' })

    parent.child.kill('SIGTERM')
    expect(await parent.next()).toMatchObject({ code: 'stopping', signal: 'SIGTERM' })
    const bytes = large() // an open tunnel may finish what it is at
    tunnel.socket.end(bytes)
    expect(sha256(await readAll(tunnel.socket))).toBe(sha256(bytes))
    expect(await parent.ended).toEqual([0, null])
    expect(await parent.errors).toBe('')
    const kept = (await readFile(log, 'utf8')).trim().split('\n')
    expect(kept.map((line) => (JSON.parse(line) as { code?: string }).code)).toEqual(['ready', undefined, 'stopping'])
    expect(kept.join('')).not.toContain('secret')
  })

  it('comes back on the same paths after it was killed, with its blobs', async () => {
    const { file, services } = await stack(await tcpPeer((socket) => socket.pipe(socket)))
    const first = spawnParent(file)
    await first.next()
    await ask(services, { method: 'PUT', path: '/blobs/a' }, Buffer.from('sealed'))
    first.child.kill('SIGKILL')
    await first.ended

    const second = spawnParent(file)
    expect(await second.next()).toMatchObject({ code: 'ready' })
    expect((await ask(services, { path: '/blobs/a' })).body.toString()).toBe('sealed')
  })

  it('goes on after an exception that nobody caught, and says where it was without its message', async () => {
    const { file, services } = await stack(1)
    const bug = join(await directory(), 'bug.mjs')
    await writeFile(bug, `process.on('SIGUSR2', () => { throw new TypeError('from a connection') })`)
    const parent = spawnParent(file, '--import', bug)
    await parent.next()
    parent.child.kill('SIGUSR2')
    const line = await parent.next()
    expect(line).toMatchObject({ level: 'error', code: 'uncaught', error: 'TypeError' })
    expect(JSON.stringify(line)).not.toContain('from a connection')
    expect((await ask(services, { path: '/identity' })).status).toBe(200)
  })

  it('ends with 1 and one line when it cannot start', async () => {
    const { file, settings } = await stack(1)
    const running = spawnParent(file)
    const ready = await running.next()
    const other = join(await directory(), 'other.json')
    const path = settings.egress.listen.slice('unix:'.length)

    const failing: [settings: object, message: RegExp][] = [
      [settings, new RegExp(`^parent-proxy: another process listens on ${path}\n$`)],
      [
        {
          ...settings,
          egress: { ...settings.egress, listen: `${settings.egress.listen}.2` },
          ingress: { ...settings.ingress, listen: `127.0.0.1:${ready?.['ingress_port'] as number}` },
        },
        /^parent-proxy: listen EADDRINUSE: .*\n$/,
      ],
      [{ ...settings, log_file: '/nowhere/parent.log' }, /^parent-proxy: ENOENT: .*'\/nowhere\/parent.log'\n$/],
      [{ ...settings, workers: 4 }, /^parent-proxy: settings refused:\n {2}workers: unknown key\n$/],
    ]
    for (const [content, message] of failing) {
      await writeFile(other, JSON.stringify(content))
      const parent = spawnParent(other)
      expect(await parent.errors).toMatch(message)
      expect(await parent.ended).toEqual([1, null])
    }
  })
})
