import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

const MAX_BODY = 1 << 20
/** A signature older than this may be a replay. */
const MAX_AGE_SECS = 300
const SIGNATURE = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

export interface Delivery {
  readonly body: string
  readonly id: string
}

export interface Receiver {
  readonly port: number
  close(): Promise<void>
}

/** Somebody's webhook: takes a delivery only if it is signed with the key that the operator gave him. */
export async function startReceiver(
  tls: { readonly cert: string; readonly key: string },
  webhookKey: Uint8Array,
  onDelivery: (delivery: Delivery) => void,
): Promise<Receiver> {
  const server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_BODY) request.destroy()
      else chunks.push(chunk)
    })
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const signed = isSigned(body, String(request.headers['driftseal-signature']), webhookKey)
      response.writeHead(signed ? 204 : 401).end()
      if (signed) onDelivery({ body: body.toString(), id: String(request.headers['driftseal-delivery']) })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    async close() {
      const closed = new Promise((done) => server.close(done))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What every receiver has to do: docs/configuration.md. */
export function isSigned(body: Uint8Array, signature: string, key: Uint8Array, now = Date.now()): boolean {
  const [, at = '', mac = ''] = SIGNATURE.exec(signature) ?? []
  if (Math.abs(now / 1000 - Number(at)) > MAX_AGE_SECS) return false
  const expected = createHmac('sha256', key).update(`${at}.`).update(body).digest()
  const given = Buffer.from(mac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
