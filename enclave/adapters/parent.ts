import { Agent, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { callbackify } from 'node:util'
import type { HostBytes } from '../ports.ts'

export class ParentError extends Error {
  readonly code: 'unreachable' | 'too-large' | 'timeout'
  constructor(code: ParentError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export const PARENT_LIMITS = { timeoutMs: 10_000 }
const MAX_SOCKETS = 8

export interface Answer {
  readonly status: number
  readonly body: HostBytes
}

/** One request to the parent's services. What comes back is the host's word and nothing more. */
export type Parent = (
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  options: { readonly limit: number; readonly body?: Uint8Array; readonly createOnly?: boolean },
) => Promise<Answer>

/** Plain HTTP/1.1 over the parent's socket. A connection that breaks is dialled anew by the next request. */
export function openParent(dial: () => Promise<Duplex>, { timeoutMs } = PARENT_LIMITS): Parent {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  agent.createConnection = (_options, callback) => {
    callbackify(dial)(callback ?? (() => {}))
    return undefined
  }

  return (method, path, { limit, body, createOnly }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const call = request({
      agent,
      method,
      path,
      timeout: timeoutMs,
      headers: {
        host: 'parent',
        ...(body === undefined ? {} : { 'content-length': body.length }),
        ...(createOnly === true ? { 'if-none-match': '*' } : {}),
      },
    })
    // A server that drips a byte at a time never idles, so the whole exchange has a limit too.
    const timer = setTimeout(
      () => call.destroy(new ParentError('timeout', `${method} ${path} took too long`)),
      timeoutMs,
    )
    const fail = (error: unknown) => {
      clearTimeout(timer)
      reject(
        error instanceof ParentError
          ? error
          : new ParentError('unreachable', `the parent did not answer ${method} ${path}`, error),
      )
    }
    call.once('timeout', () => call.destroy(new ParentError('timeout', `no answer to ${method} ${path}`)))
    call.once('error', fail)
    call.once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > limit)
          response.destroy(new ParentError('too-large', `${method} ${path} answered over ${limit} bytes`))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) as Uint8Array as HostBytes })
      })
    })
    call.end(body)
    return promise
  }
}
