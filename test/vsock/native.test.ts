import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, request, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { callbackify } from 'node:util'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createCa } from '../../local/aws/ca.ts'
import { relay } from '../../parent-proxy/relay.ts'
import { connect, type NativeConnection } from '../../vsock/connection.ts'
import { dial, serve } from '../../vsock/index.ts'
import { listen } from '../../vsock/listener.ts'
import { loadNative, type Native } from '../../vsock/native.ts'
import { closed, directory, large, readAll, sha256 } from '../parent-proxy/sockets.ts'
import { buildAddon } from './addon.ts'

const TIMEOUT_MS = 5_000
const LINUX = process.platform === 'linux'
const folder = mkdtempSync(join(tmpdir(), 'driftseal-addon-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** AF_VSOCK itself is tested in a guest (test/guest); unix sockets go through the same functions. */
const native = LINUX ? loadNative(buildAddon(join(folder, 'vsock.node'))) : (undefined as unknown as Native)

type At = { readonly kind: 'unix'; readonly path: string }
const somewhere = async (): Promise<At> => ({ kind: 'unix', path: join(await directory(), 's.sock') })
const dialNative = async (at: At): Promise<NativeConnection> => {
  const connection = await connect(native, at, TIMEOUT_MS)
  onTestFinished(() => void connection.destroy())
  return connection
}
const dialNode = (at: At): Promise<Duplex> => dial(at, TIMEOUT_MS)
const serveNative = (at: At, server: Server) => listen(native, at, server, () => true)

/** Both ends of a connection; those in `over` are the addon's. */
async function pair(over: 'client' | 'server' | 'both'): Promise<{ client: Duplex; server: Duplex }> {
  const at = await somewhere()
  const server = createServer({ allowHalfOpen: true })
  const accepted = once(server, 'connection') as Promise<[Duplex]>
  const listener = over === 'client' ? await serve(at, server) : serveNative(at, server)
  const client = await (over === 'server' ? dialNode(at) : dialNative(at))
  const [far] = await accepted
  onTestFinished(() => {
    far.destroy()
    void listener.close()
  })
  return { client, server: far }
}

describe.runIf(LINUX)('a connection over the addon', () => {
  it.each(['client', 'server', 'both'] as const)(
    '(%s) carries an end with all bytes before it, and replies',
    async (over) => {
      const { client, server } = await pair(over)
      const gone = Promise.all([closed(client), closed(server)])
      const [question, reply] = [large(), large()]
      client.end(question)
      expect(sha256(await readAll(server))).toBe(sha256(question))
      expect(client.readableEnded).toBe(false)
      server.end(reply)
      expect(sha256(await readAll(client))).toBe(sha256(reply))
      await gone
    },
  )

  it('carries both directions at once', async () => {
    const { client, server } = await pair('both')
    const [up, down] = [large(), large()]
    client.end(up)
    server.end(down)
    const got = await Promise.all([readAll(server), readAll(client)])
    expect(got.map(sha256)).toEqual([sha256(up), sha256(down)])
  })

  it('takes writes of no bytes, and writes before anything is read', async () => {
    const { client, server } = await pair('both')
    client.write('')
    client.write('a')
    client.end('')
    expect((await readAll(server)).toString()).toBe('a')
  })

  it('holds the writer back for a reader that does not read', async () => {
    const { client, server } = await pair('both')
    let taken = 0
    client.write(large(), () => (taken += 1))
    client.end()
    server.once('readable', () => {})
    await once(server, 'readable')
    expect(taken).toBe(0)
    expect(server.readableLength).toBeLessThanOrEqual(2 * server.readableHighWaterMark)
    expect(await readAll(server)).toHaveLength(8 << 20)
    expect(taken).toBe(1)
  })

  it('releases a write that waits when it is destroyed, and says no more', async () => {
    const { client, server } = await pair('both')
    const done = new Promise((resolve) => client.write(large(), resolve))
    client.destroy()
    await done
    expect(server.destroyed).toBe(false)
  })

  it('reports a write to a peer that is gone as node:net does', async () => {
    const { client, server } = await pair('both')
    server.destroy()
    client.on('end', () => client.write('too late')).resume()
    await expect(once(client, 'error')).resolves.toMatchObject([{ code: 'EPIPE', syscall: 'write' }])
  })

  it('relays', async () => {
    const [one, other] = [await pair('both'), await pair('both')]
    relay(one.server, other.client, TIMEOUT_MS)
    const bytes = large()
    one.client.end(bytes)
    expect(sha256(await readAll(other.server))).toBe(sha256(bytes))
    other.server.end('and back')
    expect((await readAll(one.client)).toString()).toBe('and back')
  })

  it('says when nothing moves, and not while something does', async () => {
    const { client } = await pair('both')
    const connection = client as NativeConnection
    await new Promise<void>((resolve) => connection.setTimeout(1, resolve))
    connection.setTimeout(0)
    expect(connection.timeout).toBe(0)
  })

  it.each([
    ['ENOENT', async () => somewhere()],
    [
      'ECONNREFUSED',
      async () => {
        const at = await somewhere()
        await serveNative(at, createServer()).close()
        return at
      },
    ],
  ])('does not open: %s', async (code, where) => {
    await expect(connect(native, await where(), TIMEOUT_MS)).rejects.toMatchObject({ code, syscall: 'connect' })
  })
})

describe.runIf(LINUX)('a server over the addon', () => {
  it('serves node:http to an agent that keeps its connection', async () => {
    const at = await somewhere()
    const server = createHttpServer((question, answer) => void question.pipe(answer))
    const connections: unknown[] = []
    server.on('connection', (connection) => connections.push(connection))
    const listener = serveNative(at, server)
    const agent = new Agent({ keepAlive: true, timeout: TIMEOUT_MS })
    agent.createConnection = (_options, callback) => {
      callbackify(() => dialNative(at))(callback ?? (() => {}))
      return undefined
    }
    for (const body of [Buffer.from('one'), large(), Buffer.from('three')]) {
      const call = request({ agent, method: 'POST', timeout: TIMEOUT_MS })
      call.end(body)
      const [answer] = (await once(call, 'response')) as [IncomingMessage]
      expect(sha256(await readAll(answer))).toBe(sha256(body))
    }
    expect(connections).toHaveLength(1)
    await listener.close() // which ends connections that are kept for later
    agent.destroy()
  })

  it('keeps the time limits of node:http', async () => {
    const at = await somewhere()
    const server = createHttpServer({ headersTimeout: 1, requestTimeout: 1, connectionsCheckingInterval: 1 })
    const listener = serveNative(at, server)
    const connection = await dialNative(at)
    connection.write('GET / HTTP/1.1\r\n')
    expect((await readAll(connection)).toString()).toMatch(/^HTTP\/1\.1 408 /)
    await listener.close()
  })

  it('serves node:https, and survives a peer that leaves in the handshake', async () => {
    const at = await somewhere()
    const ca = await createCa(new Date())
    const server = createHttpsServer(await ca.issue(['enclave.example.com']), (_, answer) => answer.end('sealed'))
    const listener = serveNative(at, server)
    const rude = await dialNative(at)
    rude.end(Uint8Array.of(0x16, 3, 1, 0))
    await closed(rude.resume())

    const socket = await dialNative(at)
    const call = request({
      createConnection: () => connectTls({ socket, servername: 'enclave.example.com', ca: ca.pem }),
    })
    call.end()
    const [answer] = (await once(call, 'response')) as [IncomingMessage]
    expect((await readAll(answer)).toString()).toBe('sealed')
    socket.destroy()
    await listener.close()
  })

  it('turns away what is over the limit', async () => {
    const at = await somewhere()
    const server = createServer((connection) => connection.resume())
    server.maxConnections = 1
    const dropped = once(server, 'drop')
    const listener = serveNative(at, server)
    const first = await dialNative(at)
    const second = await dialNative(at)
    expect(await readAll(second)).toHaveLength(0)
    await dropped
    first.end()
    expect(await readAll(first)).toHaveLength(0)
    await listener.close()
  })

  it('closes once its connections have', async () => {
    const at = await somewhere()
    const listener = serveNative(
      at,
      createServer((connection) => connection.resume()),
    )
    const client = await dialNative(at)
    client.write('still here')
    let drained = false
    const draining = listener.close().then(() => (drained = true))
    await expect(connect(native, at, TIMEOUT_MS)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(drained).toBe(false)
    client.end()
    await draining
  })

  it('waits for descriptors when there are none, and says so', async () => {
    const at = await somewhere()
    let refusals = 2
    const sparing: Native = { ...native, accept: (socket) => (refusals-- > 0 ? -24 : native.accept(socket)) } // EMFILE
    const server = createServer((connection) => void connection.pipe(connection))
    const failures: unknown[] = []
    server.on('error', (error: NodeJS.ErrnoException) => failures.push(error.code))
    const listener = listen(sparing, at, server, () => true)
    const client = createConnection(at.path)
    client.end('at last')
    expect((await readAll(client)).toString()).toBe('at last')
    expect(failures).toEqual(['EMFILE', 'EMFILE'])
    await listener.close()
  })

  it('does not take a name that is taken', async () => {
    const at = await somewhere()
    await serve(at, createServer())
    expect(() => serveNative(at, createServer())).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
  })
})

describe.runIf(LINUX)('the addon', () => {
  it('leaves no memory, no descriptor and no crash behind, whatever is called', () => {
    const sanitize = ['-g', '-O1', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover']
    const addon = buildAddon(join(folder, 'sanitized.node'), ...sanitize)
    const library = execFileSync('cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
    const ours = join(folder, 'suppressions')
    // What Node itself has not freed when it ends: OpenSSL's tables, and wrappers of externals that were not collected.
    writeFileSync(ours, 'leak:napi_create_external\nleak:CRYPTO_malloc\n')
    const run = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, 'exercise.ts'), addon, folder], {
      encoding: 'utf8',
      env: {
        LD_PRELOAD: library,
        ASAN_OPTIONS: 'detect_leaks=1',
        LSAN_OPTIONS: `suppressions=${ours}:print_suppressions=0`,
      },
    })
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
  }, 60_000)
})

it('says how to build it where it is not there', () => {
  expect(() => loadNative(join(folder, 'nothing.node'))).toThrow(
    expect.objectContaining({ code: 'no-addon', message: expect.stringContaining('node-gyp') as string }),
  )
})
