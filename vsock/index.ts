import { once } from 'node:events'
import { access, lstat, rm } from 'node:fs/promises'
import { createConnection, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { type Address, TransportError } from './address.ts'
import { connect, type Connection } from './connection.ts'
import { type Admits, listen, type Listener } from './listener.ts'
import { loadNative } from './native.ts'

export { type Address, parseAddress, TransportError } from './address.ts'
export type { Connection } from './connection.ts'
export type { Listener } from './listener.ts'

/** A unix socket refuses with EAGAIN what its backlog does not hold; the kernel lowers this to its own limit. */
const BACKLOG = 4096
const PROBE_TIMEOUT_MS = 1000

/** Opens a connection, which is handed over once it is connected. Either direction may end without the other. */
export async function dial(address: Address, timeoutMs: number): Promise<Connection> {
  switch (address.kind) {
    case 'unix':
      return connected(createConnection({ path: address.path, allowHalfOpen: true }), timeoutMs)
    case 'vsock':
      return connect(loadNative(), address, timeoutMs)
  }
}

/** Waits until the socket is connected; one that is not by then is destroyed. */
export async function connected(socket: Socket, timeoutMs: number): Promise<Socket> {
  const late = () => socket.destroy(new TransportError('timeout', `no connection within ${timeoutMs} ms`))
  const timer = setTimeout(late, timeoutMs)
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    clearTimeout(timer)
  }
}

/** Makes `server` (of node:net, node:http or node:https) take the connections that come to the address. */
export async function serve(address: Address, server: Server, admits: Admits = () => true): Promise<Listener> {
  switch (address.kind) {
    case 'unix':
      return serveUnix(address.path, server)
    case 'vsock':
      return listen(loadNative(), address, server, admits)
  }
}

async function serveUnix(path: string, server: Server): Promise<Listener> {
  await access(dirname(path)) // for a directory that is missing, listen would say "permission denied"
  await clear(path)
  server.listen({ path, backlog: BACKLOG })
  await once(server, 'listening')
  return { close: () => new Promise((closed) => server.close(() => closed())) }
}

/** A killed process leaves its socket behind, and the name stays taken. Anything else under that name is not ours. */
async function clear(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new TransportError('occupied', `${path} exists and is not a socket`)
  const alive = await dial({ kind: 'unix', path }, PROBE_TIMEOUT_MS).catch(() => undefined)
  if (alive !== undefined) {
    alive.destroy()
    throw new TransportError('occupied', `another process listens on ${path}`)
  }
  await rm(path, { force: true })
}
