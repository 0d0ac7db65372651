import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { rm } from 'node:fs/promises'

/** `vsock://<cid>:<port>` between a host and its enclave, or `unix:<path>` where there is no hypervisor. */
export type Address =
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export class AddressError extends Error {
  readonly code = 'ERR_ADDRESS'
}

const VSOCK = /^vsock:\/\/(\d{1,10}):(\d{1,10})$/
const MAX_U32 = 0xffff_ffff
/** sun_path holds 108 bytes with its terminator on Linux, 104 on macOS. */
const MAX_UNIX_PATH = 103

export function parseAddress(text: string): Address {
  const vsock = VSOCK.exec(text)
  if (vsock !== null) {
    const [cid, port] = [Number(vsock[1]), Number(vsock[2])]
    if (cid > MAX_U32 || port > MAX_U32) throw new AddressError(`vsock address out of range: ${text}`)
    return { kind: 'vsock', cid, port }
  }
  if (text.startsWith('unix:') && text.length > 5) {
    const path = text.slice(5)
    if (Buffer.byteLength(path) > MAX_UNIX_PATH)
      throw new AddressError(`socket path over ${MAX_UNIX_PATH} bytes: ${path}`)
    return { kind: 'unix', path }
  }
  throw new AddressError(`not an address: ${text} (expected vsock://<cid>:<port> or unix:<path>)`)
}

/** Opens a connection; the socket is handed over once it is connected. */
export function dial(address: Address, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = createConnection({ path: pathOf(address), allowHalfOpen: true })
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
  socket.once('error', reject)
  socket.once('connect', () => {
    clearTimeout(timer)
    socket.off('error', reject)
    resolve(socket)
  })
  socket.once('close', () => clearTimeout(timer))
  return promise
}

/** Makes `server` (of node:net or node:http) listen on the address. */
export async function serve(address: Address, server: Server): Promise<void> {
  const path = pathOf(address)
  await rm(path, { force: true }) // what a killed process left behind would refuse the name
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, () => {
    server.off('error', reject)
    resolve()
  })
  await promise
}

/** A net server whose connections may end one direction and keep the other. */
export const netServer = (onConnection: (socket: Socket) => void): Server =>
  createServer({ allowHalfOpen: true, noDelay: true }, onConnection)

function pathOf(address: Address): string {
  if (address.kind === 'unix') return address.path
  throw new AddressError('AF_VSOCK needs the native addon, which this build does not carry; use a unix: address')
}
