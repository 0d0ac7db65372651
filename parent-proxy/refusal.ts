import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What the parent answers when it does not do what it is asked. The codes are stable: the enclave may act on them. */
const STATUS = {
  /** The request makes no sense: query, header or body. */
  'bad-request': 400,
  /** CONNECT to something other than `<name>:<port>`. */
  'bad-target': 400,
  /** A blob's name outside `[a-z0-9][a-z0-9._-]{0,127}`. */
  'bad-name': 400,
  /** A log line that is no JSON object, or too long. */
  'bad-line': 400,
  /** The host and port are not on the allowlist. */
  'not-allowed': 403,
  'not-found': 404,
  'wrong-method': 405,
  /** Create only, and the name is taken. */
  taken: 412,
  'too-large': 413,
  /** A fault of the parent's own; its log says which. */
  internal: 500,
  /** The name does not resolve or nobody answers there. */
  unreachable: 502,
  /** As many tunnels as there may be. */
  busy: 503,
  'no-credentials': 503,
  /** Nobody answered in time. */
  'connect-timeout': 504,
  /** The disk has no room for the blob. */
  full: 507,
} as const

export class Refusal extends Error {
  readonly code: keyof typeof STATUS
  constructor(code: keyof typeof STATUS, message: string) {
    super(message)
    this.code = code
  }
}

/** How long a refused tunnel's last words may take: closing at once would reset the connection and lose the answer. */
const LINGER_MS = 2_000

const line = ({ code, message }: Refusal) => `${JSON.stringify({ error: code, message })}\n`

/** Refuses a request that node:http answers. */
export function refuseRequest(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(STATUS[refusal.code], { 'content-type': 'application/json' })
  response.end(line(refusal))
  response.req.resume() // what is left of its body, or the connection could carry no other request
}

/** Refuses a CONNECT, whose connection node:http has let go of. */
export function refuseTunnel(client: Duplex, refusal: Refusal): void {
  const status = STATUS[refusal.code]
  const body = line(refusal)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  client.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  client.resume()
  setTimeout(() => client.destroy(), LINGER_MS).unref()
}
