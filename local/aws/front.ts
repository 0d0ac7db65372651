import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Agent, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ServerCertificate } from './ca.ts'
import { AwsError, refuse, refuseS3 } from './protocol.ts'

const SERVICES = ['kms', 'secretsmanager', 'sqs', 's3'] as const
export type ServiceName = (typeof SERVICES)[number]

export interface Front {
  readonly port: number
  close(): Promise<void>
}

const MAX_CONNECTIONS = 256
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 60_000
/** Longer than clients keep idle connections, so that it is the client who closes and no request meets a closed socket. */
const KEEP_ALIVE_MS = 75_000
const LOOPBACK = '127.0.0.1'

/** The host names that the services of a region answer to. */
export const hostsOf = (region: string): [string, ...string[]] => [
  `*.${hostOf('s3', region)}`,
  ...SERVICES.map((service) => hostOf(service, region)),
]

export const hostOf = (service: ServiceName, region: string): string => `${service}.${region}.amazonaws.com`

/** Ends TLS on a loopback port for every service of the region and hands each request to the one that its host names. */
export async function serveFront(world: {
  readonly region: string
  readonly certificate: ServerCertificate
  readonly services: Readonly<Record<ServiceName, RequestListener>>
}): Promise<Front> {
  const server = createServer(
    {
      ...world.certificate,
      minVersion: 'TLSv1.2',
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      // Names are compared, and handed on, without a port: a client may know this one.
      const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '')
      request.headers.host = host
      const service = serviceAt(host, world.region)
      if (service === undefined) misdirected(response, world.region)
      else if (admit(service, world.region, request, response)) world.services[service](request, response)
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP, so not a pipe's name
    async close() {
      const closed = new Promise((done) => server.close(done))
      server.closeAllConnections()
      await closed
    },
  }
}

/** An agent for whoever talks to the front without the enclave's egress: real names in SNI and Host, our CA, our port. */
export const agentTo = (front: { readonly port: number; readonly ca: string }): Agent =>
  new Agent({ keepAlive: true, maxSockets: 32, ca: front.ca, host: LOOPBACK, port: front.port })

function serviceAt(host: string, region: string): ServiceName | undefined {
  // Virtual-hosted buckets: the bucket's name is the first label.
  if (host.endsWith(`.${hostOf('s3', region)}`)) return 's3'
  return SERVICES.find((service) => host === hostOf(service, region))
}

function misdirected(response: ServerResponse, region: string): void {
  response.writeHead(421, { 'content-type': 'text/plain' })
  response.end(`the local AWS answers to ${hostsOf(region).join(', ')}\n`)
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=\w+\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/

/**
 * Refuses a request that no credentials signed, or signed for something else. The signature itself is not checked:
 * nothing here has the secret that made it.
 */
function admit(service: ServiceName, region: string, request: IncomingMessage, response: ServerResponse): boolean {
  const scope = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (scope?.[1] === region && scope[2] === service) return true
  const expected = `credential should be scoped to ${region}/${service}`
  if (service === 's3') refuseS3(response, new AwsError('AccessDenied', expected, 403))
  else if (scope !== null) refuse(response, new AwsError('InvalidSignatureException', expected))
  else refuse(response, new AwsError('MissingAuthenticationTokenException', 'the request is not signed (SigV4)'))
  return false
}
