import { once } from 'node:events'
import { link, readFile, writeFile } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connected, dial, parseAddress, serve, TransportError } from '../../vsock/index.ts'
import { directory, readAll, serveUnix, unless } from '../parent-proxy/sockets.ts'

describe('parseAddress', () => {
  it.each([
    ['vsock://3:8001', { kind: 'vsock', cid: 3, port: 8001 }],
    ['vsock://4294967295:0', { kind: 'vsock', cid: 4294967295, port: 0 }],
    ['unix:/run/driftseal/3_8001.sock', { kind: 'unix', path: '/run/driftseal/3_8001.sock' }],
    ['unix:relative.sock', { kind: 'unix', path: 'relative.sock' }],
  ])('%s', (text, address) => expect(parseAddress(text)).toEqual(address))

  it.each([
    '',
    'unix:',
    'vsock://3',
    'vsock://3:',
    'vsock://:8001',
    'vsock://-1:8001',
    'vsock://4294967296:1',
    'vsock://3:8001/',
    ' vsock://3:8001',
    'tcp://3:8001',
    '127.0.0.1:8001',
    `unix:/${'x'.repeat(103)}`,
    'unix:/tmp/a\0b',
  ])('refuses %j', (text) => expect(() => parseAddress(text)).toThrow(TransportError))

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `vsock://${text}`),
        ),
        (text) => {
          const address = unless(TransportError, () => parseAddress(text))
          expect(['unix', 'vsock', undefined]).toContain(address?.kind)
        },
      ),
    )
  })
})

describe('dial and serve', () => {
  const echo = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))

  it('carry bytes, and an end in one direction only', async () => {
    const socket = await dial(await serveUnix(echo()), 1000)
    socket.end('hello')
    expect((await readAll(socket)).toString()).toBe('hello')
  })

  it('take the place of a socket that a killed process left', async () => {
    const { path } = await serveUnix(echo())
    const stale = createServer()
    stale.listen(`${path}.first`)
    await once(stale, 'listening')
    await link(`${path}.first`, `${path}.stale`) // closing unlinks the name it was bound to, and leaves this one
    stale.close()
    await once(stale, 'close')

    const server = echo()
    await serve({ kind: 'unix', path: `${path}.stale` }, server)
    onTestFinished(() => void server.close())
    const socket = await dial({ kind: 'unix', path: `${path}.stale` }, 1000)
    socket.end()
    expect(await readAll(socket)).toHaveLength(0)
  })

  it('leave alone a socket that someone listens on', async () => {
    const address = await serveUnix(echo())
    await expect(serve(address, createServer())).rejects.toMatchObject({ code: 'occupied' })
    const socket = await dial(address, 1000)
    socket.end('still here')
    expect((await readAll(socket)).toString()).toBe('still here')
  })

  it('leave alone what is no socket', async () => {
    const path = join(await directory(), 'file')
    await writeFile(path, 'kept')
    await expect(serve({ kind: 'unix', path }, createServer())).rejects.toMatchObject({ code: 'occupied' })
    expect(await readFile(path, 'utf8')).toBe('kept')
  })

  it('say that nobody listens', async () => {
    const path = join(await directory(), 'nobody')
    await expect(dial({ kind: 'unix', path }, 1000)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(serve({ kind: 'unix', path: join(path, 'deeper') }, createServer())).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })

  it('take a thousand connections at once', async () => {
    const address = await serveUnix(echo())
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const socket = await dial(address, 10_000)
        socket.end(String(index))
        return Number(await readAll(socket))
      }),
    )
    expect(answers).toEqual(Array.from({ length: 1000 }, (_, index) => index))
  })
})

describe('connected', () => {
  it('destroys the socket that is not connected in time', async () => {
    const socket = new Socket()
    await expect(connected(socket, 1)).rejects.toMatchObject({ code: 'timeout' })
    expect(socket.destroyed).toBe(true)
  })
})
