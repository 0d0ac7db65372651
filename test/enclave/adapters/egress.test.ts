import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { EgressError, openEgress } from '../../../enclave/adapters/egress.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { dialTcp, tcpPeer } from '../../parent-proxy/sockets.ts'

const HOST = 'api.example.com'
const ALLOWED = new Set([HOST, `${HOST}:8443`, 'other.example.com'])
const SIXTY_DAYS_MS = 60 * 86_400_000

const ca = await createCa(new Date())
const expired = await createCa(new Date(Date.now() - SIXTY_DAYS_MS))
const foreign = await createCa(new Date())
const ROOTS = [ca.pem, expired.pem]

/** Servers that the parent can lead to; each answers with the host that it was asked for. */
const servers = {
  true: createServer(await ca.issue([HOST])),
  'of another host': createServer(await ca.issue(['other.example.com'])),
  'of a name that ours begins with': createServer(await ca.issue([`${HOST}.evil.example`])),
  'that has run out': createServer(await expired.issue([HOST])),
  'of a CA that is not ours': createServer(await foreign.issue([HOST])),
  'for TLS 1.1': createServer({ ...(await ca.issue([HOST])), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
}
let answered = 0
beforeAll(async () => {
  for (const server of Object.values(servers)) {
    server.on('tlsClientError', () => {})
    server.on('request', (incoming: IncomingMessage, response) => {
      answered += 1
      response.end(incoming.headers.host)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
})
afterAll(() => {
  for (const server of Object.values(servers)) {
    server.close()
    server.closeAllConnections()
  }
})

const OK = 'HTTP/1.1 200 OK\r\n\r\n'
const leadTo = (name: keyof typeof servers, socket: Socket): void => {
  const far = connect((servers[name].address() as AddressInfo).port, '127.0.0.1') // it listens on TCP
  far.on('error', () => socket.destroy()).pipe(socket)
  socket.write(OK)
  socket.pipe(far)
}

/** An egress through a parent that does this with each CONNECT. */
async function through(
  talk: (socket: Socket, target: string) => void,
  limits = { connectTimeoutMs: 2000, idleTimeoutMs: 2000 },
) {
  const targets: string[] = []
  const port = await tcpPeer((socket) =>
    socket.once('data', (head) => {
      const [, target = ''] = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head.toString()) ?? []
      targets.push(target)
      talk(socket, target)
    }),
  )
  let dialled = 0
  const dial = () => {
    dialled += 1
    return dialTcp(port)
  }
  const { agent } = openEgress({ dial, roots: ROOTS, allowed: ALLOWED }, limits)
  onTestFinished(() => agent.destroy())
  const get = async (url: string): Promise<string> => {
    const call = request(url, { agent }).end()
    const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
    return text(response)
  }
  return { get, targets, dialled: () => dialled }
}
const honest = (socket: Socket): void => leadTo('true', socket)

describe('the way out', () => {
  it.each([
    [`https://${HOST}/`, `${HOST}:443`],
    [`https://${HOST}:443/`, `${HOST}:443`],
    [`https://${HOST}:8443/`, `${HOST}:8443`],
    ['https://API.example.com/', `${HOST}:443`],
  ])('leads to %s by CONNECT %s', async (url, target) => {
    const { get, targets } = await through(honest)
    expect(await get(url)).toBe(new URL(url).host)
    expect(targets).toEqual([target])
  })

  it('is one connection for requests that follow each other', async () => {
    const { get, dialled } = await through(honest)
    for (let count = 0; count < 3; count += 1) expect(await get(`https://${HOST}/`)).toBe(HOST)
    expect(dialled()).toBe(1)
  })

  it.each([
    'https://evil.example/',
    `https://${HOST}:444/`,
    `https://${HOST}.evil.example/`,
    `https://${HOST}./`,
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://other.example.com:8443/',
  ])('does not lead to %s: nobody is even asked', async (url) => {
    const { get, dialled } = await through(honest)
    await expect(get(url)).rejects.toMatchObject({ constructor: EgressError, code: 'host-not-allowed' })
    expect(dialled()).toBe(0)
  })
})

describe('a host', () => {
  const imposters = Object.keys(servers).filter((name) => name !== 'true') as (keyof typeof servers)[]
  it.each(imposters)('with a certificate %s is told nothing', async (name) => {
    const before = answered
    const { get } = await through((socket) => leadTo(name, socket))
    await expect(get(`https://${HOST}/secret`)).rejects.toMatchObject({ constructor: EgressError, code: 'tls' })
    expect(answered).toBe(before)
  })

  it('is not taken for another because the parent leads there', async () => {
    const { get } = await through((socket) => leadTo('true', socket))
    await expect(get('https://other.example.com/')).rejects.toMatchObject({ code: 'tls' })
  })
})

describe('a parent', () => {
  it.each<[string, string, string]>([
    ['forbids it', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n', 'parent-refused'],
    ['has too many', 'HTTP/1.1 503 Busy\r\n\r\n', 'parent-refused'],
    ['leads elsewhere', 'HTTP/1.1 302 Found\r\nlocation: https://evil.example\r\n\r\n', 'parent-refused'],
    ['agrees oddly', 'HTTP/1.1 201 Created\r\n\r\n', 'parent-refused'],
    ['speaks before the host does', `${OK}\x16\x03\x03`, 'parent-refused'],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', 'parent-refused'],
    ['sends a head without end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(70_000)}`, 'parent-refused'],
    ['breaks off', 'HTTP/1.1 200', 'parent-refused'],
    ['says nothing and hangs up', '', 'parent-refused'],
  ])('that %s: the request fails', async (_what, bytes, code) => {
    const { get } = await through((socket) => socket.end(bytes))
    await expect(get(`https://${HOST}/`)).rejects.toMatchObject({ constructor: EgressError, code })
  })

  it.each<[string, (socket: Socket) => void]>([
    ['in clear text', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')],
    ['with nothing', (socket) => socket.end()],
    ['with a reset', (socket) => socket.resetAndDestroy()],
  ])('that answers for the host, %s: the request fails', async (_what, talk) => {
    const { get } = await through((socket) => {
      socket.write(OK)
      socket.once('data', () => talk(socket)) // the ClientHello
    })
    await expect(get(`https://${HOST}/`)).rejects.toMatchObject({ constructor: EgressError, code: 'tls' })
  })

  const SHORT = { connectTimeoutMs: 60, idleTimeoutMs: 2000 }
  it.each<[string, (socket: Socket) => void]>([
    ['does not answer', () => {}],
    ['stops after its answer', (socket) => socket.write(OK)],
  ])('that %s: the request fails in time', async (_what, talk) => {
    const { get } = await through(talk, SHORT)
    await expect(get(`https://${HOST}/`)).rejects.toMatchObject({ constructor: EgressError, code: 'timeout' })
  })

  it('that stops carrying bytes: the request fails in time', async () => {
    const { get } = await through(
      (socket) => {
        const far = connect((servers.true.address() as AddressInfo).port, '127.0.0.1')
        far.on('error', () => {}).pipe(socket)
        socket.write(OK)
        let carried = 0
        socket.on('data', (chunk) => {
          carried += 1
          if (carried === 1) far.write(chunk) // the ClientHello, and nothing of what follows
        })
      },
      { connectTimeoutMs: 2000, idleTimeoutMs: 60 },
    )
    await expect(get(`https://${HOST}/`)).rejects.toMatchObject({ constructor: EgressError, code: 'timeout' })
  })

  it('that fails once does not spoil the next request', async () => {
    let count = 0
    const { get } = await through((socket) => (count++ === 0 ? socket.destroy() : honest(socket)))
    await expect(get(`https://${HOST}/`)).rejects.toMatchObject({ code: 'parent-refused' })
    expect(await get(`https://${HOST}/`)).toBe(HOST)
  })

  it('that cannot be dialled', async () => {
    const dial = () => Promise.reject(new Error('no such socket'))
    const { agent } = openEgress({ dial, roots: ROOTS, allowed: ALLOWED })
    const call = request(`https://${HOST}/`, { agent }).end()
    const [error] = (await once(call, 'error')) as [Error]
    expect(error.message).toBe('no such socket')
  })
})
