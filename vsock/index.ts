import { once } from 'node:events'
import { access, lstat, rm } from 'node:fs/promises'
import { createConnection, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'

/** `vsock://<cid>:<port>` between a host and its enclave, or `unix:<path>` where there is no hypervisor. */
export type Address =
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export class TransportError extends Error {
  readonly code: 'bad-address' | 'timeout' | 'occupied'
  constructor(code: TransportError['code'], message: string) {
    super(message)
    this.code = code
  }
}

const VSOCK = /^vsock:\/\/(\d{1,10}):(\d{1,10})$/
const MAX_U32 = 0xffff_ffff
/** sun_path holds 108 bytes with its terminator on Linux, 104 on macOS. */
const MAX_UNIX_PATH = 103
/** A unix socket refuses with EAGAIN what its backlog does not hold; the kernel lowers this to its own limit. */
const BACKLOG = 4096
const PROBE_TIMEOUT_MS = 1000

export function parseAddress(text: string): Address {
  const vsock = VSOCK.exec(text)
  if (vsock !== null) {
    const [cid, port] = [Number(vsock[1]), Number(vsock[2])]
    if (cid > MAX_U32 || port > MAX_U32) throw new TransportError('bad-address', `vsock address out of range: ${text}`)
    return { kind: 'vsock', cid, port }
  }
  if (text.startsWith('unix:') && text.length > 5) {
    const path = text.slice(5)
    if (Buffer.byteLength(path) > MAX_UNIX_PATH)
      throw new TransportError('bad-address', `socket path over ${MAX_UNIX_PATH} bytes: ${path}`)
    if (path.includes('\0')) throw new TransportError('bad-address', 'socket path with a NUL byte')
    return { kind: 'unix', path }
  }
  throw new TransportError('bad-address', `not an address: ${text} (expected vsock://<cid>:<port> or unix:<path>)`)
}

/** Opens a connection; the socket is handed over once it is connected. Either direction may end without the other. */
export async function dial(address: Address, timeoutMs: number): Promise<Socket> {
  return connected(createConnection({ path: pathOf(address), allowHalfOpen: true }), timeoutMs)
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

/** Makes `server` (of node:net or node:http) listen on the address. */
export async function serve(address: Address, server: Server): Promise<void> {
  const path = pathOf(address)
  await access(dirname(path)) // for a directory that is missing, listen would say "permission denied"
  await clear(path)
  server.listen({ path, backlog: BACKLOG })
  await once(server, 'listening')
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

function pathOf(address: Address): string {
  if (address.kind === 'unix') return address.path
  throw new TransportError(
    'bad-address',
    'AF_VSOCK needs the native addon, which this build does not carry; use a unix: address',
  )
}
