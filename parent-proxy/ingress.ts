import { createServer, type Server, type Socket } from 'node:net'
import { type Address, dial } from '../vsock/index.ts'
import type { Log } from './log.ts'
import { relay } from './relay.ts'

/** The idle time is a little over that of a Network Load Balancer (350 s), so that it ends connections and not we. */
export const INGRESS_LIMITS = { connections: 4096, connectTimeoutMs: 5_000, idleTimeoutMs: 360_000 }

/** Carries TCP to the enclave byte for byte: TLS ends there, and what is inside is none of the parent's business. */
export function createIngress(enclave: Address, log: Log, limits = INGRESS_LIMITS): Server {
  async function carry(client: Socket): Promise<void> {
    client.on('error', () => {}) // 'close' follows
    try {
      const inside = await dial(enclave, limits.connectTimeoutMs)
      relay(client, inside, limits.idleTimeoutMs)
      if (client.destroyed) inside.destroy() // it left while we dialled, and will not say so again
    } catch {
      log('warn', 'ingress-unreachable')
      client.destroy()
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => void carry(client))
  server.maxConnections = limits.connections
  server.on('drop', () => log('warn', 'ingress-full'))
  return server
}
