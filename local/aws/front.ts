import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { Agent, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Access } from './access.ts'
import { refusalOf } from './admission.ts'
import type { ServerCertificate } from './ca.ts'
import { hostsOf, serviceAt, type ServiceName } from './hosts.ts'
import { refuse, refuseS3 } from './protocol.ts'

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

/** Ends TLS on a loopback port for every service of the region and hands each request to the one that its host names. */
export async function serveFront(world: {
  readonly region: string
  readonly certificate: ServerCertificate
  /** The services that there are. */
  readonly services: Readonly<Partial<Record<ServiceName, RequestListener>>>
  readonly access: Access
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
      const serve = service === undefined ? undefined : world.services[service]
      if (service === undefined || serve === undefined) misdirected(response, world.region)
      else {
        const error = refusalOf(service, world.region, request, world.access)
        if (error === undefined) serve(request, response)
        else if (service === 's3') refuseS3(response, error)
        else refuse(response, error)
      }
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

function misdirected(response: ServerResponse, region: string): void {
  response.writeHead(421, { 'content-type': 'text/plain' })
  response.end(`the local AWS answers to ${hostsOf(region).join(', ')}\n`)
}
