import { createServer, type Server } from 'node:http'
import { createConnection, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connected, TransportError } from '../vsock/index.ts'
import type { Log } from './log.ts'
import { Refusal, refuseRequest, refuseTunnel } from './refusal.ts'
import { relay } from './relay.ts'
import { type Allows, parseTarget, type Target } from './target.ts'

const MAX_HEADER_BYTES = 4096
const HEADERS_TIMEOUT_MS = 5_000
const CHECK_INTERVAL_MS = 1_000
/** For each of a host's addresses before the next is tried too; Node's own 250 ms gives up on another continent. */
const ADDRESS_TIMEOUT_MS = 2_000
/** Connections beyond the tunnels, so that there is one left on which to say "busy". */
const SPARE_CONNECTIONS = 64

export const EGRESS_LIMITS = { tunnels: 4096, connectTimeoutMs: 10_000, idleTimeoutMs: 300_000 }

/**
 * The enclave's way out: HTTP CONNECT to hosts on the allowlist, and nothing else. TLS ends in the enclave, which has
 * a list of its own; this one keeps the other pods of the node, who reach the same vsock port, from using the parent's
 * network.
 */
export function createEgress(
  world: {
    readonly allows: Allows
    /** Where the network differs from DNS (VPC endpoints, the local stack): authority to address. */
    readonly routes: ReadonlyMap<string, Target>
    readonly lookup: LookupFunction
    readonly log: Log
  },
  limits = EGRESS_LIMITS,
): Server {
  let tunnels = 0

  async function reach(target: Target): Promise<Socket> {
    const { host, port } = world.routes.get(target.authority) ?? target
    const socket = createConnection({
      host,
      port,
      lookup: world.lookup,
      allowHalfOpen: true,
      noDelay: true,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS,
    })
    return connected(socket, limits.connectTimeoutMs).catch((error: unknown) => {
      throw error instanceof TransportError
        ? new Refusal('connect-timeout', `${target.authority} did not answer in time`)
        : new Refusal('unreachable', `no connection to ${target.authority}`)
    })
  }

  async function open(client: Duplex, target: Target | undefined): Promise<Socket> {
    if (target === undefined) throw new Refusal('bad-target', 'CONNECT takes <host>:<port>')
    if (!world.allows(target)) throw new Refusal('not-allowed', `${target.authority} is not on the allowlist`)
    if (tunnels >= limits.tunnels) throw new Refusal('busy', `${limits.tunnels} tunnels are open; try again`)
    tunnels += 1
    client.once('close', () => {
      tunnels -= 1
    })
    return reach(target)
  }

  async function tunnel(client: Duplex, authority: string, early: Buffer): Promise<void> {
    client.on('error', () => {}) // 'close' follows
    const target = parseTarget(authority)
    try {
      const upstream = await open(client, target)
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.write(early)
      relay(client, upstream, limits.idleTimeoutMs)
      if (client.destroyed) upstream.destroy() // it left while we dialled, and will not say so again
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal('internal', 'the parent failed; see its log')
      world.log('warn', 'egress-refused', { reason: refusal.code, target: target?.authority })
      refuseTunnel(client, refusal)
    }
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      noDelay: true,
    },
    (_request, response) => {
      response.setHeader('allow', 'CONNECT').setHeader('connection', 'close')
      refuseRequest(response, new Refusal('wrong-method', 'only CONNECT is served here'))
    },
  )
  server.maxConnections = limits.tunnels + SPARE_CONNECTIONS
  server.on('connect', (request, client, early) => void tunnel(client, request.url ?? '', early))
  return server
}
