import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { start } from '../../local/processes.ts'
import { dial, serve, type Address } from '../../vsock/index.ts'
import { createPeer } from './proxy_peer.ts'

const TIMEOUT_MS = 10_000
const START_PAUSE_MS = 20
const START_TRIES = 250
/** Its own default, and one that takes a message of ours in a single turn. */
const SOCATS = { socat: 8192, 'socat -b 65536': 65_536 } as const
const BACKLOG = 4096
const SOCAT_LINGER_SECS = 30

export type Way = () => Promise<Duplex>
/** Ways to the same far end. `direct` has no proxy in between; those through socat are missing where it is. */
export type Ways = Readonly<Record<string, Way>>

/** Starts the parent-proxy, and socat beside it, over the same kinds of sockets. */
export async function openWays(dir: string, ends: AsyncDisposableStack): Promise<{ egress: Ways; ingress: Ways }> {
  const at = (name: string): Address & { kind: 'unix' } => ({ kind: 'unix', path: join(dir, name) })
  const [upstream, enclave] = [createPeer(), createPeer()]
  upstream.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG })
  await once(upstream, 'listening')
  ends.defer(() => void upstream.close())
  const { port: upstreamPort } = upstream.address() as AddressInfo // it listens on TCP
  const inside = await serve(at('16.sock'), enclave)
  ends.defer(() => void inside.close())

  const target = `127.0.0.1:${upstreamPort}`
  const settings = {
    egress: { listen: `unix:${at('egress.sock').path}`, allow: [target] },
    services: { listen: `unix:${at('services.sock').path}`, blobs: join(dir, 'blobs') },
    ingress: { listen: '127.0.0.1:0', enclave: `unix:${at('16.sock').path}` },
  }
  await writeFile(join(dir, 'parent.json'), JSON.stringify(settings))
  const parent = await start('parent-proxy', 'parent-proxy/main.ts', [join(dir, 'parent.json')])
  ends.defer(() => parent.stop())
  const { ingress_port: ingressPort } = JSON.parse(parent.ready) as { ingress_port: number } // its ready line

  const egress: Record<string, Way> = {
    direct: () => dialTcp(upstreamPort),
    ours: () => connect(at('egress.sock'), target),
  }
  const ingress: Record<string, Way> = {
    direct: () => dial(at('16.sock'), TIMEOUT_MS),
    ours: () => dialTcp(ingressPort),
  }
  for (const [name, buffer] of Object.entries(SOCATS)) {
    const unix = at(`socat-${buffer}.sock`)
    const out = [`UNIX-LISTEN:${unix.path},backlog=${BACKLOG},fork`, `TCP:${target},nodelay`]
    if (!(await socat(buffer, out, ends))) continue
    egress[name] = await answering(() => dial(unix, TIMEOUT_MS))
    const port = await freePort()
    const listen = `TCP-LISTEN:${port},bind=127.0.0.1,nodelay,backlog=${BACKLOG},fork`
    await socat(buffer, [listen, `UNIX-CONNECT:${at('16.sock').path}`], ends)
    ingress[name] = await answering(() => dialTcp(port))
  }
  return { egress, ingress }
}

/** Starts one between two addresses; answers false where there is none. */
async function socat(buffer: number, addresses: readonly string[], ends: AsyncDisposableStack): Promise<boolean> {
  const child = spawn('socat', ['-b', String(buffer), '-t', String(SOCAT_LINGER_SECS), ...addresses], {
    stdio: 'ignore',
  })
  const started = await once(child, 'spawn').catch(() => undefined)
  if (started !== undefined) ends.defer(() => void child.kill())
  return started !== undefined
}

/** The way, once it leads somewhere: socat does not say when it listens. */
async function answering(way: Way): Promise<Way> {
  for (let tries = 0; tries < START_TRIES; tries++) {
    const probe = await way().catch(() => undefined)
    probe?.destroy()
    if (probe !== undefined) return way
    await pause(START_PAUSE_MS)
  }
  throw new Error('socat does not answer')
}

async function dialTcp(port: number): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** A tunnel through the egress, as the enclave opens one. */
async function connect(egress: Address, target: string): Promise<Duplex> {
  const socket = await dial(egress, TIMEOUT_MS)
  const call = request({ method: 'CONNECT', path: target, headers: { host: target }, createConnection: () => socket })
  call.end()
  const [{ statusCode }] = (await once(call, 'connect')) as [IncomingMessage] // as node:http documents
  if (statusCode !== 200) throw new Error(`the egress answered ${statusCode}`)
  return socket
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}
