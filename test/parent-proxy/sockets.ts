import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { type Address, dial, serve } from '../../vsock/index.ts'

/** A directory that goes when the test ends. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'driftseal-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Serves on a unix socket until the test ends. */
export async function serveUnix(server: Server): Promise<Address & { kind: 'unix' }> {
  const address = { kind: 'unix', path: join(await directory(), 's.sock') } as const
  await serve(address, server)
  onTestFinished(() => void server.close())
  return address
}

/** Serves on a loopback port until the test ends. */
export async function serveTcp(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port // it listens on TCP
}

/** A loopback server that hands each connection to `talk` and swallows its errors. */
export const tcpPeer = (talk: (socket: Socket) => void): Promise<number> =>
  serveTcp(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      talk(socket)
    }),
  )

export async function dialTcp(port: number): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return socket
}

/** Both ends of one loopback connection. */
export async function pair(): Promise<[Socket, Socket]> {
  const { promise, resolve } = Promise.withResolvers<Socket>()
  const port = await tcpPeer(resolve)
  const near = await dialTcp(port)
  const far = await promise
  onTestFinished(() => void far.destroy())
  return [near, far]
}

/** CONNECT through the egress at `address`. */
export async function connectThrough(
  address: Address,
  target: string,
): Promise<{ status: number; socket: Duplex; head: Buffer }> {
  const socket = await dial(address, 1000)
  onTestFinished(() => void socket.destroy())
  const call = request({ method: 'CONNECT', path: target, headers: { host: target }, createConnection: () => socket })
  call.end()
  const [answer, , head] = (await once(call, 'connect')) as [IncomingMessage, Socket, Buffer] // as node:http documents
  socket.on('error', () => {})
  return { status: answer.statusCode ?? 0, socket, head }
}

/** Writes raw bytes and collects whatever comes until the other side is done with us. */
export async function shout(address: Address, bytes: Uint8Array): Promise<Buffer> {
  const socket = await dial(address, 1000)
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.end(bytes)
  await closed(socket)
  return Buffer.concat(heard)
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** One HTTP request over a unix socket. */
export async function ask(address: Address & { kind: 'unix' }, options: RequestOptions, body?: Uint8Array) {
  const call = request({ socketPath: address.path, ...options })
  const answered = once(call, 'response')
  call.end(body)
  const [response] = (await answered) as [IncomingMessage] // as node:http documents
  const reply: Reply = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)),
  }
  return reply
}

export const errorOf = (reply: { body: Buffer }): unknown =>
  (JSON.parse(reply.body.toString()) as { error: unknown }).error

/** Reads to the end, and leaves the writing side of a socket as it is. */
export const readAll = async (stream: Readable): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>))

/** Resolves however the socket comes to its end. */
export const closed = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => void socket.on('error', () => {}).once('close', () => resolve()))

/** The result, or undefined when `run` throws a `kind`; whatever else it throws fails the property. */
export function unless<T>(kind: new (...args: never[]) => Error, run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Enough to fill every buffer on the way several times. */
export const large = (): Buffer => randomBytes(8 << 20)
