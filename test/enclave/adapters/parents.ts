import { createServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { openParent, type Parent } from '../../../enclave/adapters/parent.ts'
import { dial } from '../../../vsock/index.ts'
import { serveUnix, dialTcp, tcpPeer } from '../../parent-proxy/sockets.ts'

const DIAL_TIMEOUT_MS = 1000

/** A parent that speaks HTTP and answers like this, until the test ends. */
export async function httpParent(answer: RequestListener): Promise<Parent> {
  const server = createServer(answer)
  const address = await serveUnix(server)
  onTestFinished(() => server.closeAllConnections())
  return openParent(() => dial(address, DIAL_TIMEOUT_MS))
}

/** A parent that does this with each connection; `dialled` counts them. */
export async function rawParent(
  talk: (socket: Socket, count: number) => void,
  timeoutMs = 1000,
): Promise<{ parent: Parent; dialled: () => number }> {
  let count = 0
  const port = await tcpPeer((socket) => {
    count += 1
    talk(socket, count)
  })
  return { parent: openParent(() => dialTcp(port), { timeoutMs }), dialled: () => count }
}

/** A parent that gives this answer to everything. */
export const sayingParent = (status: number, body: string | Uint8Array = ''): Promise<Parent> =>
  httpParent((request, response) => {
    request.resume()
    response.writeHead(status).end(body)
  })
