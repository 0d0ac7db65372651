import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { dial, parseAddress, serve } from '../vsock/index.ts'
import { openNsmDevice } from '../vsock/nsm.ts'
import { openKernel } from './adapters/kernel.ts'
import { openParentLog } from './adapters/log.ts'
import { openParent } from './adapters/parent.ts'
import { boot, type Surroundings } from './boot.ts'
import { NODE_FLAGS } from './node_flags.ts'
import { countOutcomes } from './outcomes.ts'

/** Measured with the image. */
const CONFIG = '/etc/driftseal/config.yaml'
const RULES = fileURLToPath(new URL('../rules', import.meta.url))

/** The parent is CID 3; the enclave listens on whatever CID the parent gave it (VMADDR_CID_ANY). */
const EGRESS = parseAddress('vsock://3:8001')
const SERVICES = parseAddress('vsock://3:8002')
const INGRESS = parseAddress('vsock://4294967295:8443')

const DIAL_TIMEOUT_MS = 5_000
const REPORT_INTERVAL_MS = 60_000
/** How long the last lines of the log may take to reach the parent: of a production enclave nothing else is seen. */
const LAST_WORDS_MS = 2_000

/** Set by Node's official images, and read by nobody. */
const HARMLESS = 'NODE_VERSION'

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

try {
  refuseTampering()
  const dialServices = () => dial(SERVICES, DIAL_TIMEOUT_MS)
  const config = await readFile(CONFIG)
  const log = openParentLog(openParent(dialServices))
  const outcomes = countOutcomes(log)
  const surroundings: Surroundings = {
    device: openNsmDevice(),
    kernel: openKernel(),
    dialEgress: () => dial(EGRESS, DIAL_TIMEOUT_MS),
    dialServices,
    listen: (ingress) => serve(INGRESS, ingress),
    tlsRoots: rootCertificates,
    config,
    rules: RULES,
    streams: { console: process.stdout, ndjson: process.stdout },
    clock: { now: Date.now },
    log,
    observe: outcomes.observe,
  }
  const enclave = await boot(surroundings, stop.signal)
  setInterval(outcomes.report, REPORT_INTERVAL_MS).unref()
  await enclave(stop.signal)
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`driftseal: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  }
}
setTimeout(() => process.exit(), LAST_WORDS_MS).unref()

/** The image is measured with its command line; whatever else Node is told would open what it keeps closed. */
function refuseTampering(): void {
  const [flags, expected] = [process.execArgv.join(' '), NODE_FLAGS.join(' ')]
  if (flags !== expected) throw new Error(`start it with ${expected} and no other flag of Node (found "${flags}")`)
  const names = Object.keys(process.env).filter((name) => name.startsWith('NODE_') && name !== HARMLESS)
  if (names.length > 0)
    throw new Error(`unset ${names.join(', ')}: nothing but the measured image tells Node what to do`)
}
