import * as fc from 'fast-check'
import { once } from 'node:events'
import { createServer, type LookupFunction, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createEgress, EGRESS_LIMITS } from '../../parent-proxy/egress.ts'
import { allowlist, parseTarget, type Target } from '../../parent-proxy/target.ts'
import { dial } from '../../vsock/index.ts'
import {
  ask,
  closed,
  connectThrough,
  errorOf,
  large,
  readAll,
  serveTcp,
  serveUnix,
  sha256,
  shout,
  tcpPeer,
} from './sockets.ts'

const noSuchName: LookupFunction = (_host, _options, done) =>
  done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [])
const silent: LookupFunction = () => {}

/** An egress to `upstream.example.com:443`, which leads to `port` on this machine; other names are looked up. */
async function egress(port: number, options: { lookup?: LookupFunction; limits?: Partial<typeof EGRESS_LIMITS> } = {}) {
  const logged: unknown[] = []
  const route = parseTarget(`127.0.0.1:${port}`) as Target
  const server = createEgress(
    {
      allows: allowlist(['upstream.example.com:443', `named.example.com:${port}`, `127.0.0.1:${port}`]),
      routes: new Map([['upstream.example.com:443', route]]),
      lookup: options.lookup ?? noSuchName,
      log: (...line) => logged.push(line),
    },
    { ...EGRESS_LIMITS, ...options.limits },
  )
  return { server, address: await serveUnix(server), logged }
}

const echo = () => tcpPeer((socket) => socket.pipe(socket))

describe('CONNECT', () => {
  it('opens a tunnel by route, and to an address that is on the list', async () => {
    const port = await echo()
    const { address } = await egress(port)
    for (const target of ['upstream.example.com:443', 'Upstream.Example.com:443', `127.0.0.1:${port}`]) {
      const { status, socket, head } = await connectThrough(address, target)
      expect([status, head.length]).toEqual([200, 0])
      socket.end('through')
      expect((await readAll(socket)).toString()).toBe('through')
    }
  })

  it('keeps the bytes that came with the request in front', async () => {
    const { address } = await egress(await echo())
    const heard = await shout(
      address,
      Buffer.from('CONNECT upstream.example.com:443 HTTP/1.1\r\nHost: upstream.example.com:443\r\n\r\nearly bytes'),
    )
    expect(heard.toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\nearly bytes')
  })

  it.each(['enclave', 'upstream'] as const)('carries a half-close from the %s', async (first) => {
    const peer = Promise.withResolvers<Socket>()
    const { address } = await egress(await tcpPeer(peer.resolve))
    const { socket } = await connectThrough(address, 'upstream.example.com:443')
    const upstream = await peer.promise
    const [one, other] = first === 'enclave' ? [socket, upstream] : [upstream, socket]
    const [question, reply] = [large(), large()]

    one.end(question)
    expect(sha256(await readAll(other))).toBe(sha256(question))
    other.end(reply)
    expect(sha256(await readAll(one))).toBe(sha256(reply))
  })

  it.each([
    ['evil.example.com:443', 403, 'not-allowed'],
    ['upstream.example.com:80', 403, 'not-allowed'],
    ['127.0.0.1:1', 403, 'not-allowed'],
    ['169.254.169.254:80', 403, 'not-allowed'],
    ['[::1]:443', 403, 'not-allowed'],
    ['upstream.example.com', 400, 'bad-target'],
    ['2130706433:443', 400, 'bad-target'],
    ['http://upstream.example.com:443', 400, 'bad-target'],
  ])('answers %s with %d %s', async (target, status, code) => {
    const { address, logged } = await egress(await echo())
    const answer = await connectThrough(address, target)
    expect(answer.status).toBe(status)
    expect(errorOf({ body: Buffer.concat([answer.head, await readAll(answer.socket)]) })).toBe(code)
    expect(logged).toEqual([['warn', 'egress-refused', expect.objectContaining({ reason: code })]])
  })

  it('answers 502 for a name that does not resolve', async () => {
    const port = await echo()
    const { address } = await egress(port)
    expect((await connectThrough(address, `named.example.com:${port}`)).status).toBe(502)
  })

  it('answers 502 when nobody listens', async () => {
    const closing = createServer()
    const port = await serveTcp(closing)
    await once(closing.close(), 'close')
    const { address } = await egress(port)
    expect((await connectThrough(address, 'upstream.example.com:443')).status).toBe(502)
  })

  it('answers 504 when an upstream does not answer, while another is served', async () => {
    const port = await echo()
    const { address } = await egress(port, { lookup: silent, limits: { connectTimeoutMs: 100 } })
    const slow = connectThrough(address, `named.example.com:${port}`)
    const { socket } = await connectThrough(address, 'upstream.example.com:443')
    socket.end('meanwhile')
    expect((await readAll(socket)).toString()).toBe('meanwhile')
    expect((await slow).status).toBe(504)
  })

  it('answers 503 when all tunnels are taken, and takes the next when one is free', async () => {
    const { address, server } = await egress(await echo(), { limits: { tunnels: 1 } })
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const first = await connectThrough(address, 'upstream.example.com:443')
    expect((await connectThrough(address, 'upstream.example.com:443')).status).toBe(503)

    const freed = closed((await accepted)[0])
    first.socket.end()
    first.socket.resume()
    await freed
    expect((await connectThrough(address, 'upstream.example.com:443')).status).toBe(200)
  })

  it('drops the upstream of a client that left while it was dialled', async () => {
    const asked = Promise.withResolvers<() => void>()
    const reached = Promise.withResolvers<Socket>()
    const port = await tcpPeer(reached.resolve)
    const { address, server } = await egress(port, {
      lookup: (_host, _options, done) => asked.resolve(() => done(null, [{ address: '127.0.0.1', family: 4 }])),
    })
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = await dial(address, 1000)
    client.write(`CONNECT named.example.com:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const answer = await asked.promise

    const [near] = await accepted
    near.destroy() // as a reset would
    answer()
    const upstream = await reached.promise
    await expect(once(upstream.resume(), 'end')).resolves.toEqual([])
  })

  it('cuts a tunnel on which nothing happens', async () => {
    const { address } = await egress(await echo(), { limits: { idleTimeoutMs: 10 } })
    const { socket } = await connectThrough(address, 'upstream.example.com:443')
    await expect(once(socket.resume(), 'end')).resolves.toEqual([])
  })

  it('keeps a slow reader from filling the memory', async () => {
    const bytes = Buffer.concat(Array.from({ length: 4 }, large))
    const peer = Promise.withResolvers<Socket>()
    const { address } = await egress(await tcpPeer(peer.resolve))
    const { socket } = await connectThrough(address, 'upstream.example.com:443')
    const upstream = await peer.promise
    upstream.end(bytes)
    await once(socket, 'readable') // it arrives, and nobody takes it
    expect(upstream.writableLength).toBeGreaterThan(0)
    expect(sha256(await readAll(socket))).toBe(sha256(bytes))
  })
})

describe('anything but CONNECT', () => {
  it.each(['GET', 'POST', 'OPTIONS'])('%s is answered with 405', async (method) => {
    const { address } = await egress(await echo())
    const reply = await ask(address, { method, path: 'http://upstream.example.com/' })
    expect([reply.status, reply.headers['allow'], errorOf(reply)]).toEqual([405, 'CONNECT', 'wrong-method'])
  })

  it('that is not HTTP ends that connection only', async () => {
    const { address } = await egress(await echo())
    const start = fc.constantFrom('', 'CONNECT ', 'CONNECT upstream.example.com:443 HTTP/1.1\r\n', 'GET / HTTP/1.1\r\n')
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 6000 }), async (head, junk) => {
        await shout(address, Buffer.concat([Buffer.from(head), junk]))
      }),
    )
    expect((await connectThrough(address, 'upstream.example.com:443')).status).toBe(200)
  })

  it.each([
    [
      'a header over the limit',
      `CONNECT upstream.example.com:443 HTTP/1.1\r\nx: ${'y'.repeat(5000)}\r\n\r\n`,
      /^HTTP\/1.1 431 /,
    ],
    [
      'two requests at once',
      'GET / HTTP/1.1\r\nHost: x\r\n\r\nCONNECT upstream.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n',
      /^HTTP\/1.1 405 /,
    ],
    ['no host', 'CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 400 /],
  ])('%s', async (_what, request, answer) => {
    const { address } = await egress(await echo())
    expect((await shout(address, Buffer.from(request))).toString()).toMatch(answer)
  })
})
