import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:net'

const MAX_CONNECTIONS = 256
const MAX_HEADER_BYTES = 8 << 10
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
/** 16 to 64 bytes in hex: long enough to be fresh, short enough for the device. */
const NONCE = /^(?:[0-9a-f]{2}){16,64}$/

export interface Answers {
  /** Why the enclave is not judging events, or undefined when it is. */
  readonly waitingFor: () => string | undefined
  readonly attest: (nonce: Uint8Array) => Promise<Uint8Array>
}

/** What the enclave serves: TLS 1.3 that ends here, whoever forwards the bytes. */
export function createIngress(tls: { key: string; cert: string }, answers: Answers): Server {
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.3', maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => void answer(request, response, answers).catch(() => response.destroy()),
  )
  server.maxConnections = MAX_CONNECTIONS
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  return server
}

async function answer(request: IncomingMessage, response: ServerResponse, answers: Answers): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://enclave')
  if (request.method !== 'GET') return send(response, 405, { error: 'only GET is served' })
  switch (url.pathname) {
    case '/healthz':
      return send(response, 200, { status: 'up' })
    case '/readyz': {
      const waitingFor = answers.waitingFor()
      return waitingFor === undefined
        ? send(response, 200, { status: 'serving' })
        : send(response, 503, { status: 'waiting', for: waitingFor })
    }
    case '/.well-known/driftseal/attestation': {
      const nonce = url.searchParams.get('nonce') ?? ''
      if (!NONCE.test(nonce)) return send(response, 400, { error: 'nonce: expected 16 to 64 bytes in lower-case hex' })
      const document = await answers.attest(Buffer.from(nonce, 'hex'))
      response.writeHead(200, { 'content-type': 'application/cose', 'cache-control': 'no-store' })
      response.end(document)
      return undefined
    }
  }
  return send(response, 404, { error: 'nothing is served here' })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
