import { constants } from 'node:os'
import { Duplex } from 'node:stream'
import { type Address, TransportError } from './address.ts'
import { type Endpoint, type Native, nativeAddress, opened, READABLE, systemError, WRITABLE } from './native.ts'

/** What a net.Socket and a connection over the addon have in common, and all that is used of either. */
export interface Connection extends Duplex {
  /** Emits 'timeout' when nothing has moved in either direction for so long; 0 for never. */
  setTimeout(ms: number, callback?: () => void): this
}

const { EAGAIN, ENOTCONN } = constants.errno

/**
 * A connection over the addon, as node:http, node:https and node:tls use one: a net.Socket's streams and manners, and
 * those of its methods that they call.
 */
export class NativeConnection extends Duplex implements Connection {
  /** node:http compares it with what it would set. */
  timeout = 0
  readonly #native: Native
  readonly #endpoint: Endpoint
  #watched = 0
  #idle: NodeJS.Timeout | undefined
  /** The write that waits until the kernel has room again. */
  #blocked: { bytes: Uint8Array; offset: number; done: (error?: Error) => void } | undefined

  constructor(native: Native, endpoint: Endpoint, allowHalfOpen: boolean) {
    super({ allowHalfOpen })
    this.#native = native
    this.#endpoint = endpoint
    native.attach(endpoint, (events) => {
      if ((events & WRITABLE) !== 0) this.#resume()
      if ((events & READABLE) !== 0) this.#receive()
      if (!this.destroyed) native.watch(endpoint, this.#watched) // an error had ended the watch
    })
  }

  override _read(): void {
    this.#watch(READABLE, true)
  }

  #receive(): void {
    if (this.destroyed || (this.#watched & READABLE) === 0) return
    const got = this.#native.read(this.#endpoint)
    if (got === -EAGAIN) return
    if (typeof got !== 'number') {
      this.#idle?.refresh()
      if (!this.push(got)) this.#watch(READABLE, false) // the reader is behind: so shall the writer be
    } else if (got === 0) {
      this.#watch(READABLE, false)
      this.push(null)
    } else this.destroy(systemError(got, 'read'))
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(bytes, 0, done)
  }

  #send(bytes: Uint8Array, offset: number, done: (error?: Error) => void): void {
    const sent = this.#native.write(this.#endpoint, bytes, offset)
    if (sent < 0 && sent !== -EAGAIN) return done(systemError(sent, 'write'))
    if (sent > 0) this.#idle?.refresh()
    const next = offset + Math.max(sent, 0)
    this.#blocked = next < bytes.length ? { bytes, offset: next, done } : undefined
    this.#watch(WRITABLE, this.#blocked !== undefined)
    if (this.#blocked === undefined) done()
    return undefined
  }

  #resume(): void {
    const blocked = this.#blocked
    this.#blocked = undefined
    if (blocked !== undefined) this.#send(blocked.bytes, blocked.offset, blocked.done)
  }

  override _final(done: (error?: Error) => void): void {
    const result = this.#native.shutdown(this.#endpoint)
    done(result < 0 && result !== -ENOTCONN ? systemError(result, 'shutdown') : undefined) // or the other side is gone
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle)
    this.#native.close(this.#endpoint)
    this.#blocked?.done()
    this.#blocked = undefined
    done(error)
  }

  #watch(event: number, wanted: boolean): void {
    this.#watched = wanted ? this.#watched | event : this.#watched & ~event
    this.#native.watch(this.#endpoint, this.#watched)
  }

  setTimeout(ms: number, callback?: () => void): this {
    clearTimeout(this.#idle)
    this.timeout = ms
    this.#idle = ms > 0 && !this.destroyed ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined
    if (callback !== undefined) {
      if (ms > 0) this.once('timeout', callback)
      else this.off('timeout', callback)
    }
    return this
  }

  /** Ends after what is written, and does not wait for the other side to end too. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  ref(): this {
    this.#native.keepAlive(this.#endpoint, true)
    return this
  }

  unref(): this {
    this.#native.keepAlive(this.#endpoint, false)
    return this
  }

  /** There is no network that a silent peer could have fallen off, and nothing that delays small writes. */
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }
}

/** Connects without holding a thread: an enclave that is gone must not keep the others from the thread pool. */
export async function connect(native: Native, address: Address, timeoutMs: number): Promise<NativeConnection> {
  const endpoint = opened(native.connect(...nativeAddress(address)), 'connect')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const late = () => reject(new TransportError('timeout', `no connection within ${timeoutMs} ms`))
  const timer = setTimeout(late, timeoutMs)
  native.attach(endpoint, () => resolve(native.error(endpoint)))
  native.watch(endpoint, WRITABLE)
  try {
    const error = await promise
    if (error < 0) throw systemError(error, 'connect')
    native.watch(endpoint, 0)
    return new NativeConnection(native, endpoint, true)
  } catch (error) {
    native.close(endpoint)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
