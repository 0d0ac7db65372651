import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:net'

const MAX_HEADER_BYTES = 8 << 10

/** Who does not get on within these makes room for others: the handshake, the request, and silence after it. */
export const INGRESS_LIMITS = {
  connections: 256,
  handshakeTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 5_000,
  checkIntervalMs: 1_000,
}
/** 16 to 64 bytes in hex: long enough to be fresh, short enough for the device. */
const NONCE = /^(?:[0-9a-f]{2}){16,64}$/

export interface Answers {
  /** What the enclave still has to get before it judges events. */
  readonly missing: () => readonly string[]
  readonly attest: (nonce: Uint8Array) => Promise<Uint8Array>
  /** The CA certificate in PEM, for the trust anchor; none in host mode. */
  readonly authority: string | undefined
  /** In the text format of Prometheus. */
  readonly metrics: () => string
}

/** What the enclave serves: TLS 1.3 that ends here, whoever forwards the bytes. */
export function createIngress(tls: { key: string; cert: string }, answers: Answers, limits = INGRESS_LIMITS): Server {
  const server = createServer(
    {
      ...tls,
      minVersion: 'TLSv1.3',
      maxHeaderSize: MAX_HEADER_BYTES,
      handshakeTimeout: limits.handshakeTimeoutMs,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
    },
    (request, response) => void answer(request, response, answers).catch(() => response.destroy()),
  )
  server.maxConnections = limits.connections
  server.timeout = limits.idleTimeoutMs
  return server
}

async function answer(request: IncomingMessage, response: ServerResponse, answers: Answers): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://enclave')
  if (request.method !== 'GET') return send(response, 405, { error: 'only GET is served' })
  switch (url.pathname) {
    case '/healthz':
      return send(response, 200, { status: 'up' })
    case '/readyz': {
      const missing = answers.missing()
      return missing.length === 0
        ? send(response, 200, { status: 'serving' })
        : send(response, 503, { status: 'waiting', for: missing })
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'cache-control': 'no-store' })
      response.end(answers.metrics())
      return undefined
    case '/.well-known/driftseal/attestation': {
      const nonce = url.searchParams.get('nonce') ?? ''
      if (!NONCE.test(nonce)) return send(response, 400, { error: 'nonce: expected 16 to 64 bytes in lower-case hex' })
      const document = await answers.attest(Buffer.from(nonce, 'hex'))
      response.writeHead(200, { 'content-type': 'application/cose', 'cache-control': 'no-store' })
      response.end(document)
      return undefined
    }
    case '/.well-known/driftseal/ca.pem':
      if (answers.authority === undefined) return send(response, 404, { error: 'host mode: this enclave has no CA' })
      response.writeHead(200, { 'content-type': 'application/x-pem-file', 'cache-control': 'no-store' })
      response.end(answers.authority)
      return undefined
  }
  return send(response, 404, { error: 'nothing is served here' })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
