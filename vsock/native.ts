import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { getSystemErrorMessage, getSystemErrorName } from 'node:util'
import { type Address, TransportError } from './address.ts'

declare const endpoint: unique symbol
/** A socket of the addon's, open or closed. */
export interface Endpoint {
  readonly [endpoint]: true
}

export const READABLE = 1
export const WRITABLE = 2

/** vsock/native/*.c. A negative number is an error: the negated errno. Nothing blocks. */
export interface Native {
  connect(...address: NativeAddress): Endpoint | number
  listen(...address: NativeAddress): Endpoint | number
  accept(listening: Endpoint): Endpoint | number
  /** Whom to tell what may be done now: READABLE, WRITABLE, or both, which may also mean an error to be fetched. */
  attach(socket: Endpoint, callback: (events: number) => void): number
  watch(socket: Endpoint, events: number): number
  /** 0 is the end. */
  read(socket: Endpoint): Buffer | number
  write(socket: Endpoint, bytes: Uint8Array, offset: number): number
  shutdown(socket: Endpoint): number
  /** What became of a connect: 0, or why it failed. */
  error(socket: Endpoint): number
  /** undefined for a unix socket. */
  peerCid(socket: Endpoint): number | undefined
  keepAlive(socket: Endpoint, wanted: boolean): number
  close(socket: Endpoint): void
  nsm(descriptor: number, request: Uint8Array): Promise<Buffer | number> | number
  addEntropy(descriptor: number, bytes: Uint8Array): number
}

type NativeAddress = [path: string] | [cid: number, port: number]

export const nativeAddress = (address: Address): NativeAddress =>
  address.kind === 'unix' ? [address.path] : [address.cid, address.port]

const BUILT = fileURLToPath(new URL('native/build/Release/vsock.node', import.meta.url))

/** Loads the addon where it is first needed: a laptop has no use for it, and no need of a C compiler. */
export function loadNative(file = BUILT): Native {
  try {
    return createRequire(import.meta.url)(file) as Native // addon.c defines these functions
  } catch (cause) {
    throw new TransportError(
      'no-addon',
      'AF_VSOCK and /dev/nsm need the native addon: on Linux, build it with "npx node-gyp rebuild -C vsock/native", ' +
        'or use unix: addresses',
      cause,
    )
  }
}

/** What a call gave, if it gave a socket. */
export function opened(result: Endpoint | number, syscall: string): Endpoint {
  if (typeof result === 'number') throw systemError(result, syscall)
  return result
}

/** An error as node:net would throw it. */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`${syscall} ${code}: ${getSystemErrorMessage(errno)}`), { code, errno, syscall })
}
