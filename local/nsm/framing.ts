import type { Duplex } from 'node:stream'

/** A message that is longer than its reader allows, or that ends before its length. */
export class FramingError extends Error {
  readonly code = 'ERR_FRAMING'
}

const LENGTH_BYTES = 4

/** A message as it crosses the socket: its length in four bytes, big-endian, and its bytes. */
export function frame(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}

/** The messages that arrive on a socket, none longer than `most`. */
export async function* frames(socket: Duplex, most: number): AsyncGenerator<Uint8Array> {
  let pending = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + pending.readUInt32BE()
      if (end > LENGTH_BYTES + most)
        throw new FramingError(`a message of ${end - LENGTH_BYTES} bytes; at most ${most} are read`)
      if (pending.length < end) break
      yield pending.subarray(LENGTH_BYTES, end)
      pending = pending.subarray(end)
    }
  }
  if (pending.length > 0) throw new FramingError('the connection ended within a message')
}
