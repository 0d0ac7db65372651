import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type BlobName, type Blobs, MAX_BLOB_BYTES, parseBlobName } from './blobs.ts'
import { limited } from './body.ts'
import type { CredentialSource } from './credentials.ts'
import { MAX_LOG_BYTES, parseLines } from './lines.ts'
import type { Log } from './log.ts'
import { Refusal, refuseRequest } from './refusal.ts'

const MAX_CONNECTIONS = 256
const MAX_HEADER_BYTES = 8192
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 60_000
const IDLE_TIMEOUT_MS = 60_000
const CHECK_INTERVAL_MS = 1_000

export interface World {
  readonly credentials: CredentialSource
  readonly blobs: Blobs
  /** Where the parent says it runs: hints for people, never evidence. */
  readonly identity: Readonly<Record<string, string | undefined>>
  /** Takes whole lines. */
  readonly append: (lines: string) => void
  readonly log: Log
}

/** What the parent does for its enclave besides carrying bytes: plain HTTP/1.1, one table of paths in `answer`. */
export function createServices(world: World): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    (request, response) => {
      response.on('error', () => {}) // the other side left; the connection is closed already
      answer(request, response, world).catch((error: unknown) => fail(error, response, world.log))
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_TIMEOUT_MS
  return server
}

async function answer(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const allow = (...methods: readonly string[]) => {
    if (methods.includes(request.method ?? '')) return
    response.setHeader('allow', methods.join(', '))
    throw new Refusal('wrong-method', `${path} takes ${methods.join(', ')}`)
  }

  if (path === '/credentials') {
    allow('GET')
    return sendJson(response, await world.credentials())
  }
  if (path === '/identity') {
    allow('GET')
    return sendJson(response, world.identity)
  }
  if (path === '/log') {
    allow('POST')
    world.append(parseLines(Buffer.concat(await Array.fromAsync(limited(request, MAX_LOG_BYTES)))))
    return sendNothing(response)
  }
  if (path === '/blobs') {
    allow('GET')
    const { prefix, after } = parseListing(query)
    return sendJson(response, { names: await world.blobs.list(prefix, after) })
  }
  if (path.startsWith('/blobs/')) {
    allow('GET', 'PUT', 'DELETE')
    return answerBlob(parseBlobName(path.slice('/blobs/'.length)), request, response, world.blobs)
  }
  throw new Refusal('not-found', 'nothing is served here')
}

async function answerBlob(
  name: BlobName,
  request: IncomingMessage,
  response: ServerResponse,
  blobs: Blobs,
): Promise<void> {
  if (request.method === 'GET') {
    const { size, body } = await blobs.get(name)
    if (response.destroyed) return void body.destroy() // it left while we looked; a pipeline would not close the file
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
    return pipeline(body, response)
  }
  if (request.method === 'DELETE') await blobs.remove(name)
  else await blobs.put(name, limited(request, MAX_BLOB_BYTES), parseCondition(request.headers['if-none-match']))
  return sendNothing(response)
}

function parseCondition(ifNoneMatch: string | undefined): 'create' | 'replace' {
  if (ifNoneMatch === undefined) return 'replace'
  // There are no ETags, and to overlook a condition would overwrite what it was to protect.
  if (ifNoneMatch !== '*') throw new Refusal('bad-request', 'If-None-Match takes * only')
  return 'create'
}

function parseListing(query: string): { prefix: string; after: string } {
  const { prefix = '', after = '', ...unknown } = Object.fromEntries(new URLSearchParams(query))
  if (Object.keys(unknown).length > 0) throw new Refusal('bad-request', 'a listing takes prefix and after')
  return { prefix, after }
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

function sendNothing(response: ServerResponse): void {
  response.writeHead(204).end()
}

function fail(error: unknown, response: ServerResponse, log: Log): void {
  if (response.headersSent || response.destroyed || response.req.errored !== null) {
    response.destroy() // half an answer, or nobody to answer
    return
  }
  if (error instanceof Refusal) return refuseRequest(response, error)
  log('error', 'service-failed', { error: (error as NodeJS.ErrnoException).code ?? 'unknown' })
  refuseRequest(response, new Refusal('internal', 'the parent failed; see its log'))
}
