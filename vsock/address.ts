/** `vsock://<cid>:<port>` between a host and its enclave, or `unix:<path>` where there is no hypervisor. */
export type Address =
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export class TransportError extends Error {
  readonly code: 'bad-address' | 'timeout' | 'occupied' | 'no-addon'
  constructor(code: TransportError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

const VSOCK = /^vsock:\/\/(\d{1,10}):(\d{1,10})$/
const MAX_U32 = 0xffff_ffff
/** sun_path holds 108 bytes with its terminator on Linux, 104 on macOS. */
const MAX_UNIX_PATH = 103

/** The CID 4294967295 (VMADDR_CID_ANY) is every CID of the machine that listens. */
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
