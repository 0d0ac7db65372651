import type { Server } from 'node:net'
import { constants } from 'node:os'
import type { Address } from './address.ts'
import { NativeConnection } from './connection.ts'
import { type Native, nativeAddress, opened, READABLE, systemError } from './native.ts'

/** Where connections come in. */
export interface Listener {
  /** No more of them; resolves when those that are open have closed. */
  close(): Promise<void>
}

/** Whether a peer may connect. A vsock port is open to every process of the machine that can open AF_VSOCK. */
export type Admits = (cid: number) => boolean

/** When the system has no descriptor left, how long until there may be one. */
const ACCEPT_PAUSE_MS = 100
const { EAGAIN, ECONNABORTED } = constants.errno

/** Gives `server` the connections that come, as if it listened itself: with its limit, its 'drop' and its 'error'. */
export function listen(native: Native, address: Address, server: Server, admits: Admits): Listener {
  const endpoint = opened(native.listen(...nativeAddress(address)), 'listen')
  const { allowHalfOpen } = server as Server & { readonly allowHalfOpen: boolean } // an option that net.Server keeps
  const drained = Promise.withResolvers<void>()
  let open = 0
  let closed = false

  const settle = () => {
    if (closed && open === 0) drained.resolve()
  }

  function take(): void {
    const accepted = native.accept(endpoint)
    if (accepted === -EAGAIN || accepted === -ECONNABORTED) return undefined
    if (typeof accepted === 'number') return pause(accepted)
    const cid = native.peerCid(accepted)
    const full = open >= server.maxConnections
    if (full || (cid !== undefined && !admits(cid))) {
      native.close(accepted)
      if (full) server.emit('drop')
      return undefined
    }
    open += 1
    const connection = new NativeConnection(native, accepted, allowHalfOpen).once('close', () => {
      open -= 1
      settle()
    })
    server.emit('connection', connection)
    return undefined
  }

  /** What could not be accepted is still there, and would be reported again and again. */
  function pause(errno: number): void {
    native.watch(endpoint, 0)
    setTimeout(() => native.watch(endpoint, READABLE), ACCEPT_PAUSE_MS).unref()
    server.emit('error', systemError(errno, 'accept'))
  }

  native.attach(endpoint, take)
  server.emit('listening') // node:http begins to watch its time limits
  native.watch(endpoint, READABLE)
  return {
    close() {
      closed = true
      native.close(endpoint)
      server.close() // what it keeps for further requests
      settle()
      return drained.promise
    },
  }
}
