import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/*
 * Both ends of what goes through a proxy. The first byte of a connection says what the far end does with the rest:
 * gives it back at once, or counts it to the end and then answers one byte.
 */
const ECHO = 0x65
const COUNT = 0x63

/** The far end: an upstream on the internet, or the enclave behind its ingress. */
export const createPeer = (): Server =>
  createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {}) // 'close' follows
    socket.once('data', (first: Buffer) => {
      const rest = first.subarray(1)
      if (first[0] === ECHO) {
        socket.write(rest)
        socket.pipe(socket)
      } else if (first[0] === COUNT) count(socket)
      else socket.destroy()
    })
  })

function count(socket: Socket): void {
  socket.on('data', () => {})
  socket.on('end', () => void socket.end(Uint8Array.of(1)))
}

/** Sends so many messages as fast as they are taken, and waits until the far end has them all. */
export async function stream(socket: Duplex, message: Uint8Array, messages: number): Promise<void> {
  socket.write(Uint8Array.of(COUNT))
  for (let sent = 0; sent < messages; sent++) if (!socket.write(message)) await once(socket, 'drain')
  socket.end()
  await finished(socket, 1)
}

/** Sends the message so many times, each when the one before is back; gives the time of each, in microseconds. */
export async function roundTrips(socket: Duplex, message: Uint8Array, trips: number): Promise<readonly number[]> {
  const took: number[] = []
  socket.write(Uint8Array.of(ECHO))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let [began, missing] = [0, 0]
  const send = () => {
    began = performance.now()
    missing = message.length
    socket.write(message)
  }
  socket.on('data', (bytes: Buffer) => {
    missing -= bytes.length
    if (missing > 0) return
    took.push((performance.now() - began) * 1000)
    if (took.length < trips) send()
    else resolve()
  })
  socket.once('close', () => reject(new Error('the connection ended before the last round trip')))
  send()
  await promise
  socket.destroy()
  return took
}

/** Sends all of it at once and waits until all of it is back. */
export async function fetch(socket: Duplex, bytes: Uint8Array): Promise<void> {
  socket.write(Uint8Array.of(ECHO))
  socket.end(bytes)
  await finished(socket, bytes.length)
}

async function finished(socket: Duplex, expected: number): Promise<void> {
  let got = 0
  socket.on('data', (bytes: Buffer) => {
    got += bytes.length
  })
  await once(socket, 'end')
  if (got !== expected) throw new Error(`${got} bytes came back, not ${expected}`)
}
