import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createIngress, INGRESS_LIMITS } from '../../parent-proxy/ingress.ts'
import { closed, dialTcp, directory, large, readAll, serveTcp, serveUnix, sha256 } from './sockets.ts'

const unixPeer = (talk: (socket: Socket) => void) =>
  serveUnix(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      talk(socket)
    }),
  )

describe('ingress', () => {
  it('carries bytes as they are, both ways', async () => {
    const enclave = await unixPeer((socket) => socket.pipe(socket))
    const client = await dialTcp(await serveTcp(createIngress(enclave, () => {})))
    const bytes = large()
    client.end(bytes)
    expect(sha256(await readAll(client))).toBe(sha256(bytes))
  })

  it.each(['client', 'enclave'] as const)('carries a half-close from the %s', async (first) => {
    const peer = Promise.withResolvers<Socket>()
    const client = await dialTcp(await serveTcp(createIngress(await unixPeer(peer.resolve), () => {})))
    const inside = await peer.promise
    const [one, other] = first === 'client' ? [client, inside] : [inside, client]
    const [question, reply] = [large(), large()]
    one.end(question)
    expect(sha256(await readAll(other))).toBe(sha256(question))
    other.end(reply)
    expect(sha256(await readAll(one))).toBe(sha256(reply))
  })

  it('turns clients away while the enclave does not listen, and serves them once it does', async () => {
    const logged: string[] = []
    const path = join(await directory(), 'enclave.sock')
    const port = await serveTcp(createIngress({ kind: 'unix', path }, (_level, code) => logged.push(code)))
    const early = await dialTcp(port)
    await once(early.resume(), 'end')
    expect(logged).toEqual(['ingress-unreachable'])

    const enclave = createServer((socket) => socket.end('up'))
    enclave.listen(path)
    await once(enclave, 'listening')
    expect((await readAll(await dialTcp(port))).toString()).toBe('up')
    enclave.close()
  })

  it('serves no more than its limit, and others again after them', async () => {
    const logged: string[] = []
    const enclave = await unixPeer((socket) => socket.pipe(socket))
    const ingress = createIngress(enclave, (_level, code) => logged.push(code), { ...INGRESS_LIMITS, connections: 1 })
    const port = await serveTcp(ingress)
    const accepted = once(ingress, 'connection') as Promise<[Socket]>
    const first = await dialTcp(port)
    const second = await dialTcp(port)
    await closed(second.on('end', () => second.end()).resume())
    expect(logged).toEqual(['ingress-full'])

    const freed = closed((await accepted)[0])
    first.end()
    first.resume()
    await freed
    const third = await dialTcp(port)
    third.end('next')
    expect((await readAll(third)).toString()).toBe('next')
  })

  it('cuts a connection on which nothing happens', async () => {
    const enclave = await unixPeer(() => {})
    const port = await serveTcp(createIngress(enclave, () => {}, { ...INGRESS_LIMITS, idleTimeoutMs: 10 }))
    const client = await dialTcp(port)
    await expect(once(client.resume(), 'end')).resolves.toEqual([])
  })
})
