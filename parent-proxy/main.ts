import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { serve } from '../vsock/index.ts'
import { openBlobs } from './blobs.ts'
import { containerCredentials, fixedCredentials } from './credentials.ts'
import { createEgress } from './egress.ts'
import { createIngress } from './ingress.ts'
import { openLog } from './log.ts'
import { sharedLookup } from './lookup.ts'
import { createServices } from './services.ts'
import { parseSettings } from './settings.ts'
import { allowlist } from './target.ts'

/** How long open connections may go on after SIGTERM. Tunnels that the enclave keeps for later never end by themselves. */
const DRAIN_MS = 5_000
/** Clients that come at once wait here; past Node's 511 they would be left to retry after a second. */
const INGRESS_BACKLOG = 4096

async function start(path: string | undefined): Promise<void> {
  if (path === undefined) throw new Error('which settings? Usage: node parent-proxy/main.ts <settings.yaml>')
  const settings = parseSettings(await readFile(path))
  const { log, append } = openLog(settings.log_file)
  const { services, ingress } = settings

  /** Any pod of the node may reach a vsock port; where it is known which peer is the enclave, no other is served. */
  const admits = (cid: number): boolean => {
    const admitted = settings.enclave_cid === undefined || settings.enclave_cid === cid
    if (!admitted) log('warn', 'foreign-peer', { cid })
    return admitted
  }
  const egressServer = createEgress({
    allows: allowlist(settings.egress.allow),
    routes: settings.egress.routes,
    lookup: sharedLookup((host) => lookup(host, { all: true })),
    log,
  })
  // The first: a parent that runs already keeps us from its blobs.
  const egress = await serve(settings.egress.listen, egressServer, admits)
  const ingressServer = createIngress(ingress.enclave, log)
  const servicesServer = createServices({
    credentials:
      services.credentials === undefined
        ? containerCredentials(process.env, Date.now, log)
        : fixedCredentials(services.credentials, Date.now),
    blobs: await openBlobs(services.blobs),
    identity: services.identity,
    append,
    log,
  })

  ingressServer.listen({ ...ingress.listen, backlog: INGRESS_BACKLOG })
  await once(ingressServer, 'listening')
  const served = await serve(services.listen, servicesServer, admits) // the last: the enclave's lines must not precede ours

  const servers = [egressServer, servicesServer, ingressServer]
  for (const server of servers) {
    server.on('error', (error: NodeJS.ErrnoException) => log('error', 'accept-failed', { error: error.code }))
  }

  async function stop(signal: string): Promise<void> {
    log('info', 'stopping', { signal })
    const ingressClosed = new Promise((closed) => ingressServer.close(closed))
    await Promise.race([Promise.all([egress.close(), served.close(), ingressClosed]), wait(DRAIN_MS)])
    process.exit(0)
  }
  process.once('SIGTERM', (signal) => void stop(signal))
  process.once('SIGINT', (signal) => void stop(signal))
  // The frames only: an error's message may hold what the connection carried.
  process.on('uncaughtException', ({ name, stack }) =>
    log('error', 'uncaught', { error: name, at: stack?.match(/^ {4}at .*$/gm)?.join('\n') }),
  )
  const { port } = ingressServer.address() as AddressInfo // it listens on TCP
  log('info', 'ready', { ingress_port: port })
}

await start(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`parent-proxy: ${error instanceof Error ? error.message : 'failed to start'}\n`)
  process.exit(1)
})
