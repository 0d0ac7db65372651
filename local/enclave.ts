import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { boot, type Surroundings } from '../enclave/boot.ts'
import { openParentLog } from '../enclave/adapters/log.ts'
import { openParent } from '../enclave/adapters/parent.ts'
import type { Finding } from '../enclave/core/finding.ts'
import type { Kernel, Log } from '../enclave/ports.ts'
import { dial, parseAddress, serve } from '../vsock/index.ts'
import { dialNsm } from './nsm/dial.ts'

/** Where the stand-ins of the device, the hypervisor's sockets and the world's roots are. */
export interface EnclaveSettings {
  readonly config: string
  readonly rules: string
  readonly nsm: string
  readonly egress: string
  readonly services: string
  readonly ingress: string
  /** The local AWS's CA, in PEM: the only root this enclave believes. */
  readonly tlsRoot: string
  /** Where the sink `ndjson` writes. */
  readonly ndjson: string
}

/** What this process tells the one that started it, besides its exit code. */
export type Told =
  | { readonly kind: 'log'; readonly level: string; readonly code: string; readonly fields: Record<string, unknown> }
  | { readonly kind: 'finding'; readonly finding: Finding }

const DIAL_TIMEOUT_MS = 5_000

const tell = (told: Told): void => void process.send?.(told)

// The same enclave as enclave/main.ts wires, with the stand-ins in place of the device, of vsock and of the public roots.
const settings = JSON.parse(process.argv[2] ?? 'null') as EnclaveSettings
const dialServices = () => dial(parseAddress(settings.services), DIAL_TIMEOUT_MS)
const parentLog = openParentLog(openParent(dialServices))
const log: Log = (level, code, fields = {}) => {
  parentLog(level, code, fields)
  tell({ kind: 'log', level, code, fields })
}

/** The kernel is the laptop's own: its randomness is good as it is, its clock nobody vouches for. */
const hostKernel: Kernel = {
  addEntropy: async () => log('info', 'local.entropy.not-added'),
  verifyClockSource: async () => log('info', 'local.clock-source.not-verified'),
}

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => stop.abort())

try {
  const surroundings: Surroundings = {
    device: dialNsm(settings.nsm),
    kernel: hostKernel,
    dialEgress: () => dial(parseAddress(settings.egress), DIAL_TIMEOUT_MS),
    dialServices,
    async listen(server) {
      await serve(parseAddress(settings.ingress), server)
      process.stdout.write('ready\n')
    },
    tlsRoots: [await readFile(settings.tlsRoot, 'utf8')],
    config: await readFile(settings.config),
    rules: settings.rules,
    streams: { console: process.stdout, ndjson: createWriteStream(settings.ndjson, { flags: 'a' }) },
    clock: { now: Date.now },
    log,
    observe: (finding) => tell({ kind: 'finding', finding }),
  }
  const enclave = await boot(surroundings, stop.signal)
  await enclave(stop.signal)
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`driftseal: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  }
}
process.exit()
