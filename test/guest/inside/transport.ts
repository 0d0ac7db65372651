import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, request, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { callbackify } from 'node:util'
import { relay } from '../../../parent-proxy/relay.ts'
import { dial, parseAddress, serve, type Connection, type Listener } from '../../../vsock/index.ts'

/** The guest is its own peer: CID 1 is the loopback. */
const ANY = 'vsock://4294967295'
const SELF = 'vsock://1'
const TIMEOUT_MS = 20_000
const CONNECTIONS = 10_000
const MB = 1 << 20

let port = 5000
const echo = () => createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).pipe(socket))
const large = () => randomBytes(8 * MB)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const readAll = async (stream: Readable) =>
  Buffer.concat(await Array.fromAsync(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>))

/** Serves on a port of its own until the test ends. */
async function open(
  t: TestContext,
  server: Server,
  host = ANY,
): Promise<{ call: () => Promise<Connection>; listener: Listener }> {
  port += 1
  const address = parseAddress(`${SELF}:${port}`)
  const listener = await serve(parseAddress(`${host}:${port}`), server)
  t.after(() => void listener.close())
  return { call: () => dial(address, TIMEOUT_MS), listener }
}

async function pair(t: TestContext): Promise<[near: Connection, far: Socket]> {
  const server = createServer({ allowHalfOpen: true })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { call } = await open(t, server)
  const near = await call()
  const [far] = await accepted
  return [near, far]
}

await test('vsock: an end carries all bytes before it and leaves the other direction open', async (t) => {
  const [near, far] = await pair(t)
  const [question, reply] = [large(), large()]
  near.end(question)
  assert.equal(sha256(await readAll(far)), sha256(question))
  far.end(reply)
  assert.equal(sha256(await readAll(near)), sha256(reply))
})

await test('vsock: both directions at once', async (t) => {
  const [near, far] = await pair(t)
  const [up, down] = [large(), large()]
  near.end(up)
  far.end(down)
  const got = await Promise.all([readAll(far), readAll(near)])
  assert.deepEqual(got.map(sha256), [sha256(up), sha256(down)])
})

await test('vsock: a writer is held back for a reader that does not read', async (t) => {
  const [near, far] = await pair(t)
  let taken = false
  near.end(large(), () => (taken = true))
  far.once('readable', () => {})
  await once(far, 'readable')
  assert.equal(taken, false)
  assert.ok(far.readableLength <= 2 * far.readableHighWaterMark)
  assert.equal((await readAll(far)).length, 8 * MB)
})

await test('vsock: a listener on its own CID alone', async (t) => {
  const { call } = await open(t, echo(), SELF)
  const connection = await call()
  connection.end('here')
  assert.equal((await readAll(connection)).toString(), 'here')
})

await test('vsock: peers are known by their CID, and turned away by it', async () => {
  const cids: number[] = []
  const address = parseAddress(`${SELF}:4999`)
  const listener = await serve(address, echo(), (cid) => cids.push(cid) > 1)
  const foreign = await dial(address, TIMEOUT_MS)
  assert.equal((await readAll(foreign)).length, 0)
  const admitted = await dial(address, TIMEOUT_MS)
  admitted.end('mine')
  assert.equal((await readAll(admitted)).toString(), 'mine')
  assert.deepEqual(cids, [1, 1])
  await listener.close()
})

await test('vsock: what does not listen is refused, and where nobody is says so', async (t) => {
  const failure = async (to: string) =>
    dial(parseAddress(to), TIMEOUT_MS).then(
      () => 'connected',
      (error: NodeJS.ErrnoException) => error.code,
    )
  const closed = await failure(`${SELF}:4998`)
  const nobody = await failure('vsock://77:1')
  t.diagnostic(`no listener: ${closed}; no such CID: ${nobody}`)
  assert.equal(closed, 'ECONNRESET')
  assert.equal(nobody, 'ENODEV')
})

await test('vsock: a port that is taken is not taken twice', async (t) => {
  await open(t, echo())
  await assert.rejects(serve(parseAddress(`${ANY}:${port}`), createServer()), { code: 'EADDRINUSE' })
})

await test('vsock: a peer that breaks off ends the connection, and the writer learns of it', async (t) => {
  const [near, far] = await pair(t)
  const gone = new Promise((resolve) => near.on('error', () => {}).once('close', resolve))
  near.write(large())
  far.destroy()
  near.on('end', () => near.write('is anyone there?')).resume()
  await gone
})

await test('vsock: a relay between two connections', async (t) => {
  const [client, left] = await pair(t)
  const [right, server] = await pair(t)
  relay(left, right, TIMEOUT_MS)
  const [question, reply] = [large(), large()]
  client.end(question)
  assert.equal(sha256(await readAll(server)), sha256(question))
  server.end(reply)
  assert.equal(sha256(await readAll(client)), sha256(reply))
})

await test('vsock: node:http with an agent that keeps its connection, and its time limits', async (t) => {
  const server = createHttpServer(
    { headersTimeout: 200, connectionsCheckingInterval: 50 },
    (question, answer) => void question.pipe(answer),
  )
  let connections = 0
  server.on('connection', () => (connections += 1))
  const { call, listener } = await open(t, server)
  const agent = new Agent({ keepAlive: true })
  agent.createConnection = (_options, callback) => {
    callbackify(call)(callback ?? (() => {}))
    return undefined
  }
  for (const body of [Buffer.from('one'), large(), Buffer.from('three')]) {
    const question = request({ agent, method: 'POST', timeout: TIMEOUT_MS })
    question.end(body)
    const [answer] = (await once(question, 'response')) as [IncomingMessage]
    assert.equal(sha256(await readAll(answer)), sha256(body))
  }
  assert.equal(connections, 1)
  const slow = await call()
  slow.write('GET / HTTP/1.1\r\n')
  assert.match((await readAll(slow)).toString(), /^HTTP\/1\.1 408 /)
  await listener.close()
})

await test('vsock: TLS that ends at both ends of it', async (t) => {
  const { ca, cert, key } = JSON.parse(readFileSync('/app/tls.json', 'utf8')) as Record<'ca' | 'cert' | 'key', string>
  const { call, listener } = await open(
    t,
    createHttpsServer({ cert, key }, (_, answer) => answer.end('sealed')),
  )
  const socket = await call()
  const question = request({ createConnection: () => connectTls({ socket, servername: 'enclave.example.com', ca }) })
  question.end()
  const [answer] = (await once(question, 'response')) as [IncomingMessage]
  assert.equal((await readAll(answer)).toString(), 'sealed')
  socket.destroy()
  await listener.close()
})

await test('vsock: 200 connections at once', async (t) => {
  const { call } = await open(t, echo())
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const connection = await call()
      connection.end(String(index))
      return Number(await readAll(connection))
    }),
  )
  assert.deepEqual(
    answers,
    Array.from({ length: 200 }, (_, index) => index),
  )
})

await test(`vsock: ${CONNECTIONS} connections leave no descriptor and no memory behind`, async (t) => {
  const { call } = await open(t, echo())
  const exchange = async () => {
    const connection = await call()
    connection.end('hello')
    assert.equal((await readAll(connection)).toString(), 'hello')
  }
  const measure = () => {
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { descriptors: readdirSync('/proc/self/fd').length, rss: rss / MB, held: (heapUsed + external) / MB }
  }
  const half = async () => {
    for (let i = 0; i < CONNECTIONS / 2; i++) await exchange()
  }
  const began = performance.now()
  await half() // the heap finds its size
  const before = measure()
  await half()
  const later = measure()
  const grown = (key: keyof typeof before) => `${before[key].toFixed(1)} -> ${later[key].toFixed(1)}`
  t.diagnostic(
    `${((performance.now() - began) / CONNECTIONS).toFixed(2)} ms for each of ${CONNECTIONS} connections; after one half ` +
      `and both: descriptors ${grown('descriptors')}, held by JavaScript ${grown('held')} MB, resident ${grown('rss')} MB`,
  )
  assert.ok(later.descriptors <= before.descriptors + 2, 'descriptors are left behind')
  assert.ok(later.held - before.held < 1, 'JavaScript holds more: 200 bytes for each connection')
  assert.ok(later.rss - before.rss < 20, 'more is resident: 4 kB for each connection')
})
