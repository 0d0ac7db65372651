import { once } from 'node:events'
import type { Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openParent, ParentError } from '../../../enclave/adapters/parent.ts'
import { dialTcp, large, tcpPeer } from '../../parent-proxy/sockets.ts'
import { httpParent, rawParent } from './parents.ts'

const LIMIT = 1000
const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** Answers each request of a connection, one after the other. */
const answering =
  (...answers: readonly string[]) =>
  (socket: Socket): void => {
    const left = [...answers]
    socket.on('data', () => socket.write(left.shift() ?? ''))
  }

describe('a request to the parent', () => {
  it('says what it wants, and no more', async () => {
    const seen: unknown[] = []
    const parent = await httpParent((request, response) => {
      const { connection: _, ...headers } = request.headers
      request.setEncoding('utf8').on('data', (body: string) => seen.push(body))
      request.on('end', () => {
        seen.push([request.method, request.url, headers])
        response.end()
      })
    })
    await parent('PUT', '/blobs/a', { limit: LIMIT, body: Buffer.from('sealed'), createOnly: true })
    await parent('GET', '/credentials', { limit: LIMIT })
    expect(seen).toEqual([
      'sealed',
      ['PUT', '/blobs/a', { host: 'parent', 'content-length': '6', 'if-none-match': '*' }],
      ['GET', '/credentials', { host: 'parent' }],
    ])
  })

  it('gives status and body, whatever they are', async () => {
    const bytes = large()
    const parent = await httpParent((_request, response) => response.writeHead(418).end(bytes))
    const { status, body } = await parent('GET', '/', { limit: bytes.length })
    expect(status).toBe(418)
    expect(Buffer.compare(body, bytes)).toBe(0)
  })

  it('takes so many bytes and not one more, announced or not', async () => {
    const parent = await httpParent((request, response) => {
      const length = Number(request.url?.slice(1))
      if (request.method === 'PUT') response.setHeader('content-length', length)
      response.end(Buffer.alloc(length))
    })
    for (const method of ['GET', 'PUT'] as const) {
      expect((await parent(method, `/${LIMIT}`, { limit: LIMIT })).body).toHaveLength(LIMIT)
      await expect(parent(method, `/${LIMIT + 1}`, { limit: LIMIT })).rejects.toMatchObject({ code: 'too-large' })
    }
  })

  it('goes over one connection after the other has ended', async () => {
    const { parent, dialled } = await rawParent(answering(ok('one'), ok('two')))
    expect(Buffer.from((await parent('GET', '/', { limit: LIMIT })).body).toString()).toBe('one')
    expect(Buffer.from((await parent('GET', '/', { limit: LIMIT })).body).toString()).toBe('two')
    expect(dialled()).toBe(1)
  })
})

describe('a parent', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['hangs up', (socket) => socket.destroy()],
    ['resets', (socket) => socket.resetAndDestroy()],
    ['ends without a word', (socket) => socket.end()],
    ['speaks another protocol', (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
    ['hangs up within the head', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    ['hangs up within the body', (socket) => socket.end(ok('body').slice(0, -1))],
    ['sends a head without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(70_000)}`)],
    [
      'says two lengths',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'),
    ],
    [
      'sends chunks that are none',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    ],
  ])('that %s: the request fails, and the next one works over a new connection', async (_what, talk) => {
    const { parent, dialled } = await rawParent((socket, count) =>
      socket.once('data', () => (count === 1 ? talk(socket) : socket.write(ok('fine')))),
    )
    await expect(parent('GET', '/', { limit: LIMIT })).rejects.toMatchObject({
      constructor: ParentError,
      code: 'unreachable',
    })
    expect((await parent('GET', '/', { limit: LIMIT })).status).toBe(200)
    expect(dialled()).toBe(2)
  })

  it('that hangs up between requests does not fail the next', async () => {
    let closed: Promise<unknown> = Promise.resolve()
    let dialled = 0
    const port = await tcpPeer((socket) => void socket.once('data', () => socket.end(ok('bye'))))
    const parent = openParent(async () => {
      const socket = await dialTcp(port)
      closed = once(socket, 'close')
      dialled += 1
      return socket
    })
    for (let count = 0; count < 3; count += 1) {
      await closed
      expect((await parent('GET', '/', { limit: LIMIT })).status).toBe(200)
    }
    expect(dialled).toBe(3)
  })

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['stops within the body', (socket) => socket.write(ok('body').slice(0, -1))],
    [
      'drips',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const drip = setInterval(() => socket.write('x'), 5)
        socket.once('close', () => clearInterval(drip))
      },
    ],
  ])('that %s: the request fails in time', async (_what, talk) => {
    const { parent } = await rawParent((socket) => socket.once('data', () => talk(socket)), 60)
    await expect(parent('GET', '/', { limit: 1 << 20 })).rejects.toMatchObject({
      constructor: ParentError,
      code: 'timeout',
    })
  })

  it('that cannot be dialled', async () => {
    const parent = openParent(() => Promise.reject(new Error('no such socket')))
    await expect(parent('GET', '/', { limit: LIMIT })).rejects.toMatchObject({
      constructor: ParentError,
      code: 'unreachable',
    })
  })

  it('that says whatever it likes: nothing but an answer or an error of ours', async () => {
    let bytes: Uint8Array = Buffer.alloc(0)
    const { parent } = await rawParent((socket) => socket.once('data', () => socket.end(bytes)))
    const line = fc.constantFrom('HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.0 200\r\n\r\n', '\r\n')
    const header = fc.constantFrom('content-length: 3\r\n', 'transfer-encoding: chunked\r\n', 'upgrade: x\r\n')
    const rest = fc.string({ maxLength: 20 })
    const anything = fc
      .array(fc.oneof(line, header, rest), { maxLength: 6 })
      .map((parts) => Buffer.from(parts.join('')))
    await fc.assert(
      fc.asyncProperty(anything, async (said) => {
        bytes = said
        const outcome = await parent('GET', '/', { limit: LIMIT }).catch((error: unknown) => error)
        expect(!(outcome instanceof Error) || outcome instanceof ParentError).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
