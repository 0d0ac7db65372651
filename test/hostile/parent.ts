import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Duplex, Transform } from 'node:stream'
import { openBlobs, type Blobs } from '../../parent-proxy/blobs.ts'
import { fixedCredentials } from '../../parent-proxy/credentials.ts'
import { createEgress } from '../../parent-proxy/egress.ts'
import { createServices } from '../../parent-proxy/services.ts'
import { parseTarget, type Target } from '../../parent-proxy/target.ts'
import { hostPrincipal } from '../../local/principals.ts'
import { serve, type Address } from '../../vsock/index.ts'

/** What a parent does otherwise than it should. In all that a lie leaves out the parent is honest. */
export interface Lie {
  /** Answers a request to the services; `honest` gives the true answer after all. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse, honest: () => void) => void
  /** Answers CONNECT; `honest` makes the tunnel, to another authority if it is given one. */
  readonly connect?: (authority: string, client: Duplex, honest: (elsewhere?: string) => void) => void
  /** Stands in the way of the bytes that flow to the enclave through a tunnel. */
  readonly carry?: (authority: string) => Transform | undefined
  /** Keeps the store. */
  readonly blobs?: (honest: Blobs) => Partial<Blobs>
  /** Keeps the log. */
  readonly append?: (lines: string, honest: (lines: string) => void) => void
}

export interface LyingParent extends AsyncDisposable {
  readonly egress: Address
  readonly services: Address
  /** From now on; connections that stand are broken, so that the next ones meet the lie. */
  tell(lie: Lie): void
  /** Writes all that was heard on both sockets into the parent's folder. */
  remember(): Promise<void>
}

/**
 * A parent-proxy made of the real one's parts, on the same unix sockets, that lies as it is told to and writes down all
 * that it hears. Everything it has is in `<dir>/parent`.
 */
export async function startParent(
  dir: string,
  routes: ReadonlyMap<string, Target>,
  { log, stored }: { readonly log: (lines: string) => void; readonly stored: (name: string) => void },
): Promise<LyingParent> {
  const at = (name: string) => join(dir, 'parent', name)
  await mkdir(at('.'), { recursive: true })
  let lie: Lie = {}
  const sockets = new Set<Socket>()
  const heard = { egress: [] as Buffer[], services: [] as Buffer[] }
  const keep = await openBlobs(at('blobs'))

  const honestServices = createServices({
    credentials: fixedCredentials(
      {
        AccessKeyId: hostPrincipal.credentials.accessKeyId,
        SecretAccessKey: hostPrincipal.credentials.secretAccessKey,
        Token: 'local',
      },
      Date.now,
    ),
    blobs: {
      async put(...call) {
        await { ...keep, ...lie.blobs?.(keep) }.put(...call)
        stored(call[0])
      },
      get: (...call) => ({ ...keep, ...lie.blobs?.(keep) }).get(...call),
      remove: (...call) => ({ ...keep, ...lie.blobs?.(keep) }).remove(...call),
      list: (...call) => ({ ...keep, ...lie.blobs?.(keep) }).list(...call),
    },
    identity: {},
    append: (lines) => (lie.append === undefined ? log(lines) : lie.append(lines, log)),
    log: () => {},
  })
  const services = createHttp((request, response) => {
    const honest = () => void honestServices.emit('request', request, response)
    if (lie.answer === undefined) honest()
    else lie.answer(request, response, honest)
  })

  const honestEgress = createEgress({
    allows: ({ authority }) => routes.has(authority),
    routes,
    lookup: () => {}, // every host has a route
    log: () => {},
  })
  const egress = createHttp().on('connect', (request: IncomingMessage, client: Duplex, early: Buffer) => {
    const authority = request.url ?? ''
    const honest = (elsewhere = authority) => {
      const carried = lie.carry?.(authority)
      const towards = carried === undefined ? client : through(client, carried)
      honestEgress.emit('connect', Object.assign(request, { url: elsewhere }), towards, early)
    }
    client.on('error', () => {})
    if (lie.connect === undefined) honest()
    else lie.connect(authority, client, honest)
  })

  /** Serves HTTP on a socket, and hears what comes. */
  const listen = async (name: keyof typeof heard, file: string, server: typeof services) => {
    const address = { kind: 'unix', path: join(dir, file) } as const
    const listener = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)))
      server.emit(
        'connection',
        overhear(socket, (chunk) => heard[name].push(chunk)),
      )
    })
    return { address, listener: await serve(address, listener) }
  }
  const outward = await listen('egress', '3_8001.sock', egress)
  const inward = await listen('services', '3_8002.sock', services)
  const hangUp = () => sockets.forEach((socket) => socket.destroy())

  return {
    egress: outward.address,
    services: inward.address,
    tell(next) {
      lie = next
      hangUp()
    },
    async remember() {
      for (const [name, chunks] of Object.entries(heard)) await writeFile(at(`${name}.heard`), Buffer.concat(chunks))
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.all([outward.listener.close(), inward.listener.close()])
      hangUp()
      await closed
    },
  }
}

/** The parent's end of a connection; `hear` gets a copy of what comes. */
const overhear = (socket: Socket, hear: (chunk: Buffer) => void): Duplex =>
  joined(
    socket.on('data', (chunk: Buffer) => hear(Buffer.from(chunk))),
    socket,
  )

/** What is written to the client goes through `filter` first. */
function through(client: Duplex, filter: Transform): Duplex {
  filter.once('error', () => client.destroy()).pipe(client)
  return joined(client, filter)
}

/** One stream of two. What was written has been taken when it says so: the relay then uses its memory again. */
function joined(from: Duplex, to: Duplex): Duplex {
  const both = new Duplex({
    read: () => void from.resume(),
    write: (chunk: Buffer, _encoding, done) => void to.write(chunk, done),
    final: (done) => void to.end(done),
    destroy(error, done) {
      from.destroy()
      to.destroy()
      done(error)
    },
  })
  from.on('data', (chunk: Buffer) => {
    if (!both.push(chunk)) from.pause()
  })
  from.once('end', () => both.push(null)).once('close', () => both.destroy())
  return both.on('error', () => {})
}

export const target = (port: number): Target => {
  const found = parseTarget(`127.0.0.1:${port}`)
  if (found === undefined) throw new RangeError(`no port: ${port}`)
  return found
}

/** Passes `count` bytes on and then nothing: the tunnel stands, and is silent or ends. */
export function only(count: number, then: 'silence' | 'end' | 'reset'): Transform {
  let left = count
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = Buffer.from(chunk.subarray(0, left)) // a copy: see `joined`
      left -= part.length
      this.push(part)
      if (left > 0) done()
      else if (then === 'end') this.push(null)
      else if (then === 'reset') done(new Error('cut'))
    },
  })
}
