import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Ready } from './aws/aws.ts'
import type { Settings as AwsSettings } from './aws/settings.ts'
import { openCloud, type Cloud } from './cloud.ts'
import type { EnclaveSettings, Told } from './enclave.ts'
import { measure } from './measure.ts'
import { cloudPrincipal, enclaveRole, hostPrincipal } from './principals.ts'
import { start, StartError, type Running } from './processes.ts'
import { startReceiver, type Delivery } from './receiver.ts'
import { registerAuthority } from './register.ts'
import { ACCOUNT, FIRST_STATE, REGION, TERRAFORM_ROLE } from './story.ts'

const KEY_ID = '2f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2'
const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KEY_ID}`
const QUEUE = 'driftseal-events'
const STATE_QUEUE = 'driftseal-state'
const WEBHOOK_HOST = 'hooks.example.com'
const SESSION_SECS = 3600
const SERVING_TIMEOUT_MS = 20_000
export const LEDGER = { bucket: 'driftseal-ledger', prefix: 'local/' } as const
export const STATE = { bucket: 'terraform-states', key: 'registry/terraform.tfstate' } as const

/** Everything of the stack is below its folder; what the parent's side writes is below `parent`. */
export interface Stack {
  readonly dir: string
  readonly parentDir: string
  readonly pcr0: string
  /** Files: the configuration that is measured, and the root that the software NSM's documents chain to. */
  readonly config: string
  readonly nsmRoot: string
  readonly aws: Ready
  readonly cloud: Cloud
  readonly ingressPort: number
  /** Where the enclave's sink `ndjson` writes: the operator's side. */
  readonly ndjson: string
  readonly enclave: Running
  readonly parent: Running
  startParent(): Promise<void>
  startEnclave(): Promise<void>
  stop(): Promise<void>
}

export interface StackOptions {
  /** A folder of its own; short, since socket paths are. */
  readonly dir: string
  readonly onTold?: (told: Told) => void
  readonly onConsole?: (line: string) => void
  readonly onDelivery?: (delivery: Delivery) => void
  /** Over the configuration below. */
  readonly config?: Readonly<Record<string, unknown>>
  /** A folder of rules in place of the project's. */
  readonly rules?: string
  /** The first version of the state; null for none. */
  readonly state?: string | null
  /** Whether a person registers the enclave's CA as the trust anchor, as he has to once; `closed` leaves it to the caller. */
  readonly anchor?: 'registered' | 'closed'
  /** Starts the local AWS otherwise than as a process of its own with these settings. */
  readonly startAws?: (settings: AwsSettings) => Promise<{ ready: Ready; stop(): Promise<void> }>
}

const queueUrl = (name: string): string => `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`

/** What would be built into the image. */
const configuration = (over: Readonly<Record<string, unknown>>) => ({
  environment: 'local',
  region: REGION,
  kms_key: KEY_ARN,
  dek_secret: 'driftseal/dek',
  identity: {
    secret: 'driftseal/identity',
    trust_anchor: enclaveRole.trustAnchor,
    profile: enclaveRole.profile,
    role: enclaveRole.role,
  },
  queue: queueUrl(QUEUE),
  state_queue: queueUrl(STATE_QUEUE),
  ledger: LEDGER,
  states: [{ name: 'registry', ...STATE, terraform_principals: [TERRAFORM_ROLE] }],
  sinks: [
    { type: 'console', name: 'console' },
    { type: 'ndjson', name: 'log', format: 'drift-log' },
    { type: 'webhook', name: 'on-call', url: `https://${WEBHOOK_HOST}/driftseal`, secret: 'driftseal/webhook' },
  ],
  ...over,
})

/** Starts the whole chain, each part in a process of its own: device, AWS, parent-proxy, enclave. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dir } = options
  const at = (name: string) => join(dir, name)
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  try {
    await mkdir(at('parent'), { recursive: true, mode: 0o700 })
    const config = Buffer.from(stringify(configuration(options.config ?? {})))
    await writeFile(at('config.yaml'), config)
    const pcr0 = await measure(config)

    const nsm = await start('security module', 'local/nsm/main.ts', [
      JSON.stringify({ socket: at('nsm.sock'), root: at('nsm-root.der'), pcr0 }),
    ])
    stops.push(() => nsm.stop())

    const aws = await (options.startAws ?? startAwsProcess)({
      region: REGION,
      account: ACCOUNT,
      environment: 'local',
      dir: at('aws'),
      keyId: KEY_ID,
      nsmRoot: at('nsm-root.der'),
      allowedPcr0: [pcr0],
      identity: { trustAnchor: enclaveRole.trustAnchor, profile: enclaveRole.profile, role: enclaveRole.role },
      sessionSecs: SESSION_SECS,
      accessKeys: Object.fromEntries(
        [hostPrincipal, cloudPrincipal].map(({ credentials, actions }) => [credentials.accessKeyId, [...actions]]),
      ),
      roleActions: [...enclaveRole.actions],
      queues: [QUEUE, STATE_QUEUE],
      buckets: [STATE.bucket, LEDGER.bucket],
      servers: [WEBHOOK_HOST],
    })
    stops.push(() => aws.stop())
    const queues = { events: queueUrl(QUEUE), states: queueUrl(STATE_QUEUE) }
    const cloud = openCloud(aws.ready, await readFile(aws.ready.caFile, 'utf8'), REGION, queues)
    stops.push(async () => cloud.close())
    const state = options.state === undefined ? FIRST_STATE : options.state
    if (state !== null) await cloud.putState(STATE.bucket, STATE.key, state)

    const receiver = await startReceiver(
      await serverOf(aws.ready, WEBHOOK_HOST),
      await readFile(aws.ready.webhookKeyFile),
      options.onDelivery ?? (() => {}),
    )
    stops.push(() => receiver.close())

    await writeFile(at('parent.json'), JSON.stringify(parentSettings(dir, aws.ready, receiver.port)), { mode: 0o600 })
    const startParent = () => start('parent-proxy', 'parent-proxy/main.ts', [at('parent.json')])
    const startEnclave = () => startEnclaveProcess(dir, aws.ready, options)
    let parent = await startParent()
    stops.push(() => parent.stop())
    const { ingress_port: ingressPort } = JSON.parse(parent.ready) as { ingress_port: number } // its ready line
    let enclave = await startEnclave()
    stops.push(() => enclave.process.stop())
    if (options.anchor !== 'closed') {
      await enclave.waiting
      const expected = { root: await readFile(at('nsm-root.der')), pcr0, config }
      await registerAuthority(ingressPort, expected, aws.ready.trustAnchorFile)
      await enclave.serving
    }

    return {
      dir,
      parentDir: at('parent'),
      pcr0,
      config: at('config.yaml'),
      nsmRoot: at('nsm-root.der'),
      aws: aws.ready,
      cloud,
      ingressPort,
      ndjson: at('alerts.ndjson'),
      get enclave() {
        return enclave.process
      },
      get parent() {
        return parent
      },
      async startParent() {
        parent = await startParent()
      },
      async startEnclave() {
        enclave = await startEnclave()
        await enclave.serving
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startAwsProcess(settings: AwsSettings): Promise<{ ready: Ready; stop(): Promise<void> }> {
  const aws = await start('local AWS', 'local/aws/main.ts', [JSON.stringify(settings)])
  return { ready: JSON.parse(aws.ready) as Ready, stop: () => aws.stop() } // local/aws/main.ts prints nothing else
}

interface Enclave {
  readonly process: Running
  /** Resolves when AWS has refused it, since its CA is not registered; or when it serves without. */
  readonly waiting: Promise<void>
  /** Resolves when it judges events; rejects if it ends before that, or takes too long. */
  readonly serving: Promise<void>
}

/** Resolves when the ingress is open. */
async function startEnclaveProcess(dir: string, aws: Ready, options: StackOptions): Promise<Enclave> {
  const settings: EnclaveSettings = {
    config: join(dir, 'config.yaml'),
    rules: options.rules ?? join(import.meta.dirname, '../rules'),
    nsm: `unix:${join(dir, 'nsm.sock')}`,
    egress: `unix:${join(dir, '3_8001.sock')}`,
    services: `unix:${join(dir, '3_8002.sock')}`,
    ingress: `unix:${join(dir, '16_8443.sock')}`,
    tlsRoot: aws.caFile,
    ndjson: join(dir, 'alerts.ndjson'),
  }
  const { promise: serves, resolve: served } = Promise.withResolvers<void>()
  const { promise: waits, resolve: refused } = Promise.withResolvers<void>()
  const running = await start('enclave', 'local/enclave.ts', [JSON.stringify(settings)], {
    onMessage(message) {
      const told = message as Told // local/enclave.ts sends nothing else
      options.onTold?.(told)
      if (told.kind === 'log' && told.code === 'session.refused') refused()
      if (told.kind === 'log' && told.code === 'boot.serving') served()
    },
    onLine: (line) => options.onConsole?.(line),
  })
  const fails = Promise.race([running.ended, sleep(SERVING_TIMEOUT_MS, null, { ref: false })]).then((code) => {
    throw new StartError('enclave', code, running.lastWords())
  })
  const serving = Promise.race([serves, fails])
  const waiting = Promise.race([waits, serving])
  for (const either of [waiting, serving]) either.catch(() => {}) // it ends some day, and nobody may have waited
  return { process: running, waiting, serving }
}

/** Of a server that the local AWS's CA vouches for. */
async function serverOf(aws: Ready, host: string): Promise<{ cert: string; key: string }> {
  const files = aws.servers[host]
  if (files === undefined) throw new Error(`the local AWS made no certificate for ${host}`)
  const [cert, key] = await Promise.all([readFile(files.certFile, 'utf8'), readFile(files.keyFile, 'utf8')])
  return { cert, key }
}

function parentSettings(dir: string, aws: Ready, webhookPort: number): object {
  const hosts = aws.hosts.map((host) => `${host}:443`)
  // A route needs a whole name; the buckets' hosts are one label more than S3's.
  const names = hosts.flatMap((host) =>
    host.startsWith('*.') ? aws.buckets.map((name) => name + host.slice(1)) : [host],
  )
  const routes = Object.fromEntries(names.map((name) => [name, `127.0.0.1:${aws.port}`]))
  return {
    egress: {
      listen: `unix:${join(dir, '3_8001.sock')}`,
      allow: [...hosts, `${WEBHOOK_HOST}:443`],
      routes: { ...routes, [`${WEBHOOK_HOST}:443`]: `127.0.0.1:${webhookPort}` },
    },
    services: {
      listen: `unix:${join(dir, '3_8002.sock')}`,
      blobs: join(dir, 'parent', 'blobs'),
      credentials: {
        AccessKeyId: hostPrincipal.credentials.accessKeyId,
        SecretAccessKey: hostPrincipal.credentials.secretAccessKey,
        Token: 'local',
      },
      identity: { node: 'laptop' },
    },
    ingress: { listen: '127.0.0.1:0', enclave: `unix:${join(dir, '16_8443.sock')}` },
    log_file: join(dir, 'parent', 'log.ndjson'),
  }
}
