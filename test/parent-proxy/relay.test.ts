import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { relay } from '../../parent-proxy/relay.ts'
import { closed, large, pair, readAll, sha256 } from './sockets.ts'

const IDLE_MS = 60_000
/** What the buffers of the two streams of one direction hold: twice 64 KiB each, with a read and a write under way. */
const BUFFERED_BYTES = 256 << 10

/** client <-> (near, relay, far) <-> server */
async function joined(idleMs = IDLE_MS) {
  const [client, near] = await pair()
  const [far, server] = await pair()
  relay(near, far, idleMs)
  return { client, near, far, server }
}

/** The other side is gone: it says so by an end that comes unasked, or by an error. */
const left = (socket: Socket) => closed(socket.on('end', () => socket.end()).resume())

describe('relay', () => {
  it.each(['client', 'server'] as const)('carries an end from the %s with all bytes before it', async (first) => {
    const { client, server } = await joined()
    const [one, other] = first === 'client' ? [client, server] : [server, client]
    const question = large()
    const reply = large()

    one.end(question)
    expect(sha256(await readAll(other))).toBe(sha256(question))
    expect(one.readableEnded).toBe(false) // the other direction is open still
    other.end(reply)
    expect(sha256(await readAll(one))).toBe(sha256(reply))
  })

  it('carries both directions at once', async () => {
    const { client, server } = await joined()
    const [up, down] = [large(), large()]
    client.end(up)
    server.end(down)
    const [atServer, atClient] = await Promise.all([readAll(server), readAll(client)])
    expect([sha256(atServer), sha256(atClient)]).toEqual([sha256(up), sha256(down)])
  })

  it('loses nothing when the writer is gone before the reader begins', async () => {
    const { client, near, server } = await joined()
    const bytes = large()
    server.end()
    await once(client.resume(), 'end') // that direction is done, so the client may close altogether
    client.end(bytes)
    await once(near, 'pause')
    expect(sha256(await readAll(server))).toBe(sha256(bytes))
  })

  it('holds the writer back for a reader that does not read', async () => {
    const { client, near, far, server } = await joined()
    let most = 0
    near.on('data', () => (most = Math.max(most, near.readableLength + far.writableLength)))
    const bytes = Buffer.concat(Array.from({ length: 4 }, large))

    client.end(bytes)
    await once(near, 'pause') // the kernel's buffers and the relay's are full now
    expect(near.bytesRead).toBeLessThan(bytes.length)
    expect(sha256(await readAll(server))).toBe(sha256(bytes))
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(BUFFERED_BYTES)
  })

  it.each(['client', 'server'] as const)('takes the other side along when the %s breaks', async (first) => {
    const { client, server } = await joined()
    const [one, other] = first === 'client' ? [client, server] : [server, client]
    const gone = left(other)
    one.resetAndDestroy()
    await expect(gone).resolves.toBeUndefined()
  })

  it('takes the writer along when its reader breaks after the reply has ended', async () => {
    const { client, near, server } = await joined()
    server.end('bye')
    await once(near, 'finish')
    const gone = closed(client)
    server.resetAndDestroy()
    client.write(large())
    await expect(gone).resolves.toBeUndefined()
  })

  it('ends a connection on which nothing happens', async () => {
    const { client, server } = await joined(1)
    await expect(Promise.all([left(client), left(server)])).resolves.toHaveLength(2)
  })
})
