import { request } from 'node:http'
import { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { callbackify } from 'node:util'

export class EgressError extends Error {
  readonly code: 'host-not-allowed' | 'parent-refused' | 'tls' | 'timeout'
  constructor(code: EgressError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/**
 * For the parent's answer to CONNECT and again for the handshake, and for silence after it. The long poll of SQS is
 * silent for 20 s. Without the last one a parent that stops carrying bytes would leave whoever waits for them waiting.
 */
export const EGRESS_LIMITS = { connectTimeoutMs: 15_000, idleTimeoutMs: 60_000 }
const MAX_SOCKETS_PER_HOST = 16
const HTTPS_PORT = 443

export interface Egress {
  /** For node:https and the AWS SDK: each of its connections is TLS from here to the named host. */
  readonly agent: Agent
}

/**
 * The way out: CONNECT through the parent, TLS ended here. The parent chooses where the bytes go; only a host that is
 * in the measured configuration and proves its name under the baked-in roots gets to speak.
 */
export function openEgress(
  world: {
    dial: () => Promise<Duplex>
    roots: readonly string[]
    allowed: ReadonlySet<string>
  },
  limits = EGRESS_LIMITS,
): Egress {
  async function connect(authority: string, host: string, port: number): Promise<TLSSocket> {
    if (!world.allowed.has(authority)) {
      throw new EgressError('host-not-allowed', `${authority} is not in the measured configuration`)
    }
    const socket = await tunnel(await world.dial(), `${host}:${port}`, limits.connectTimeoutMs)
    return secure(socket, host, world.roots, limits)
  }

  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_HOST, timeout: limits.idleTimeoutMs })
  agent.createConnection = (options, callback) => {
    const host = options.host ?? ''
    const port = Number(options.port ?? HTTPS_PORT)
    callbackify(connect)(port === HTTPS_PORT ? host : `${host}:${port}`, host, port, callback ?? (() => {}))
    return undefined
  }
  return { agent }
}

function tunnel(parent: Duplex, target: string, timeoutMs: number): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const head = request({
    method: 'CONNECT',
    path: target,
    headers: { host: target },
    createConnection: () => parent,
  })
  // Not the request's own `timeout`, which node:http leaves to whoever made the connection.
  const timer = setTimeout(
    () => refuse(new EgressError('timeout', `no answer from the parent to CONNECT ${target}`)),
    timeoutMs,
  )
  const refuse = (error: EgressError) => {
    clearTimeout(timer)
    parent.destroy()
    reject(error)
  }
  head.once('connect', (response, socket, early) => {
    // Nothing may precede our ClientHello: bytes that come first are the parent's own.
    if (response.statusCode === 200 && early.length === 0) {
      clearTimeout(timer)
      resolve(socket)
    } else refuse(new EgressError('parent-refused', `the parent answered ${response.statusCode} to CONNECT ${target}`))
  })
  head.once('response', (response) =>
    refuse(new EgressError('parent-refused', `the parent answered ${response.statusCode} to CONNECT ${target}`)),
  )
  head.once('error', (error) =>
    refuse(new EgressError('parent-refused', `the parent broke off CONNECT ${target}`, error)),
  )
  head.end()
  return promise
}

function secure(
  socket: Duplex,
  host: string,
  roots: readonly string[],
  { connectTimeoutMs, idleTimeoutMs }: typeof EGRESS_LIMITS,
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const tls = connectTls({
    socket,
    servername: host,
    ca: [...roots],
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  })
  const late = new EgressError('timeout', `no TLS with ${host} in time`)
  const timer = setTimeout(() => tls.destroy(late), connectTimeoutMs)
  const fail = (error: Error) => {
    clearTimeout(timer)
    socket.destroy()
    reject(error === late ? late : new EgressError('tls', `no TLS with ${host}: ${error.message}`, error))
  }
  tls.once('error', fail)
  tls.once('close', () => fail(new Error('closed during the handshake')))
  tls.once('secureConnect', () => {
    clearTimeout(timer)
    tls.off('error', fail)
    tls.removeAllListeners('close')
    tls.setTimeout(idleTimeoutMs, () => tls.destroy(new EgressError('timeout', `${host} fell silent`)))
    resolve(tls)
  })
  return promise
}
