import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

/** A request's body up to a limit. The connection outlives a refusal, so that it reaches whoever sent too much. */
export async function* limited(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  const tooLarge = () => new Refusal('too-large', `at most ${maxBytes} bytes are taken here`)
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    yield chunk
  }
}
