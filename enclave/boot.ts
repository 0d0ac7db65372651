import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { openAccess, type Access } from './access.ts'
import { openBlobs } from './adapters/blobs.ts'
import { openCloudWatch } from './adapters/cloudwatch.ts'
import { credentialsFrom } from './adapters/credentials.ts'
import { openEgress, type EGRESS_LIMITS } from './adapters/egress.ts'
import { createIngress, type INGRESS_LIMITS } from './adapters/ingress.ts'
import { openKms } from './adapters/kms.ts'
import type { NsmDevice } from './adapters/nsm.ts'
import { openParent, type PARENT_LIMITS } from './adapters/parent.ts'
import { loadRules } from './adapters/rules.ts'
import { openS3States } from './adapters/s3.ts'
import { ArchiveError, openS3Ledger } from './adapters/s3_ledger.ts'
import { openSecrets } from './adapters/secrets.ts'
import { openSqs } from './adapters/sqs.ts'
import { createAlarms, type Alarms } from './alarms.ts'
import { allowedHosts, parseConfig, type Config } from './config.ts'
import type { Copies } from './copies.ts'
import { parseDriftignore } from './core/driftignore.ts'
import { createDrifts } from './core/drifts.ts'
import type { World } from './core/detect.ts'
import type { Finding } from './core/finding.ts'
import { createSessions } from './core/sessions.ts'
import { createStateIndex } from './core/state_index.ts'
import { openCursor } from './cursor.ts'
import { deliver } from './delivery.ts'
import { openDevice } from './device.ts'
import { createHold } from './hold.ts'
import { createIdentity, ingressBinding, type Identity } from './identity.ts'
import { openKeys, type Keys } from './keys.ts'
import { openLedger, type Ledger } from './ledger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { Clock, Kernel, Log, Nsm } from './ports.ts'
import { pulse } from './pulse.ts'
import { codeOf, persist, reasonOf } from './retry.ts'
import { openQuarantine } from './quarantine.ts'
import { rotate } from './rotation.ts'
import { run, tell } from './run.ts'
import { digestOf } from './sealing/ring.ts'
import { openSink, type Streams } from './sinks.ts'
import type { Secret } from './sealing/types.ts'
import { watchStates, type StateWatch } from './states.ts'
import { unwrap } from './unwrap.ts'
import { openVault, type Vault } from './vault.ts'

export type Phase = 'device' | 'identity' | 'keys' | 'ingress' | 'state' | 'serving'

export class BootError extends Error {
  readonly code = 'ERR_BOOT'
  readonly phase: Phase
  constructor(at: Phase, cause: unknown) {
    super(`${at}: ${cause instanceof Error ? cause.message : 'failed'}`, { cause })
    this.phase = at
  }
}

/** All that an enclave touches of the world outside itself, and the measured files it was built with. */
export interface Surroundings {
  readonly device: NsmDevice
  readonly kernel: Kernel
  readonly dialEgress: () => Promise<Duplex>
  readonly dialServices: () => Promise<Duplex>
  readonly listen: (ingress: Server) => Promise<unknown>
  /** The roots, in PEM, under which other hosts prove their names. */
  readonly tlsRoots: readonly string[]
  readonly config: Uint8Array
  readonly rules: string
  readonly streams: Streams
  readonly clock: Clock
  readonly log: Log
  /** Told of every outcome once it is safe. */
  readonly observe: (finding: Finding) => void
  /** Other than the adapters' own, for whoever cannot wait for them: the tests. */
  readonly limits?: {
    readonly parent?: typeof PARENT_LIMITS
    readonly egress?: typeof EGRESS_LIMITS
    readonly ingress?: typeof INGRESS_LIMITS
  }
}

/** The same, with its health counted. */
interface Measured extends Surroundings {
  readonly metrics: Metrics
}

/** What the enclave lacks before its state phase. */
const nothingYet = (): readonly string[] => ['the ledger', 'the states']

/** Runs until the signal aborts; rejects when something is wrong that only a new start can mend. */
export type Enclave = (signal: AbortSignal) => Promise<void>

/**
 * Brings the enclave up, phase by phase, each building on what the one before has proved. A failure ends the start. The
 * ingress opens before the ledger and the states: AWS gives those to nobody before a person has read the CA there.
 */
export async function boot(outside: Surroundings, signal: AbortSignal): Promise<Enclave> {
  const metrics = createMetrics()
  const around: Measured = { ...outside, log: metrics.watch(outside.log), metrics }
  const nsm = await phase('device', around, () => openDevice(around))
  const identity = await phase('identity', around, () => createIdentity(around.clock.now()))
  const unlocked = await phase('keys', around, () => unlock(around, nsm, identity))
  let missing = nothingYet
  await phase('ingress', around, () => openIngress(around, { nsm, identity, unlocked, missing: () => missing() }))
  const state = await phase('state', around, () => loadState(around, unlocked, signal))
  missing = () => state.watch.missing().map((name) => `state ${name}`)
  return phase('serving', around, () => serve(around, unlocked, state))
}

async function phase<T>(name: Phase, { log, clock }: Surroundings, task: () => Promise<T>): Promise<T> {
  const began = clock.now()
  try {
    const result = await task()
    log('info', `boot.${name}`, { ms: clock.now() - began })
    return result
  } catch (error) {
    log('error', `boot.${name}.failed`, { error: codeOf(error), ...reasonOf(error) })
    throw new BootError(name, error)
  }
}

interface Unlocked {
  readonly config: Config
  readonly access: Access
  readonly copies: Copies
  readonly keys: Keys
  readonly vault: Vault
  readonly alarms: Alarms
  readonly keyOf: (secretId: string) => Promise<Secret>
}

async function unlock(around: Surroundings, nsm: Nsm, identity: Identity): Promise<Unlocked> {
  const config = parseConfig(around.config)
  const parent = openParent(around.dialServices, around.limits?.parent)
  const world = { dial: around.dialEgress, roots: around.tlsRoots, allowed: allowedHosts(config) }
  const { agent } = openEgress(world, around.limits?.egress)
  const bootstrap = { region: config.region, agent, credentials: credentialsFrom(parent, around.clock) }
  const parts = { secrets: openSecrets(bootstrap), kms: openKms(bootstrap), nsm, config, identity }

  const access = await openAccess(bootstrap, parts, around)
  const s3 = config.ledger === undefined ? undefined : openS3Ledger(access.aws, config.ledger)
  const copies = { parent: openBlobs(parent), s3 }
  const alarms = createAlarms(around.log)
  const keys = await openKeys(parts, copies, { alarms, log: around.log })
  const vault = openVault(copies.parent, keys, config.environment, { clock: around.clock, alarms })
  const keyOf = async (secretId: string) => (await unwrap(parts, secretId, 'webhook')).key
  return { config, access, copies, keys, vault, alarms, keyOf }
}

async function openIngress(
  { config, listen, limits, metrics }: Measured,
  parts: {
    readonly nsm: Nsm
    readonly identity: Identity
    readonly unlocked: Unlocked
    /** What keeps the enclave from judging, for those who ask whether it is ready. */
    readonly missing: () => readonly string[]
  },
): Promise<void> {
  const { nsm, identity, unlocked, missing } = parts
  const { authority } = unlocked.access
  const userData = ingressBinding(identity, config, authority?.certificate)
  const attest = (nonce: Uint8Array) => nsm.attest({ nonce, userData })
  const answers = { missing, attest, authority: authority?.pem, metrics: () => metrics.text() }
  await listen(createIngress(identity.tls, answers, limits?.ingress))
}

interface State {
  readonly world: World
  readonly watch: StateWatch
  readonly ledger: Ledger
}

async function loadState({ rules, clock, log }: Surroundings, unlocked: Unlocked, signal: AbortSignal): Promise<State> {
  const { config, access, copies, keys, vault, alarms } = unlocked
  const { catalog, rules: compiled, writers } = await loadRules(rules)
  const openBoth = () => openLedger(vault, copies, { alarms, log })
  const { ledger, findings, keys: history } = await persist('ledger.open', openBoth, { log, signal, isFinal })
  if (await keys.begin(history)) await ledger.append([], signal)

  const index = createStateIndex(catalog.types)
  const { state_queue: told, queue_visibility_secs: visibility } = config
  const notices = told === undefined ? undefined : openSqs(access.aws, told, visibility)
  const watch = watchStates({ config, source: openS3States(access.aws), notices, index, vault, alarms, clock, log })
  await watch.refresh(signal)
  const principals = new Map(config.states.map((state) => [state.name, state.terraform_principals]))
  const world: World = {
    catalog,
    rules: compiled,
    matching: config.rule_matching,
    states: index,
    drifts: createDrifts(findings),
    principals: (state) => principals.get(state) ?? [],
    digest: (value) => digestOf(keys.ring, value),
    holdMs: config.terraform_hold_secs * 1000,
    began: clock.now(),
    sessions: createSessions(),
    writers: [...config.writers, ...writers],
    suppressions: config.suppressions,
    driftignore: parseDriftignore(config.driftignore),
  }
  return { world, watch, ledger }
}

/** S3 not being reached passes, and so does its refusal once AWS trusts the CA. Whatever else fails is final. */
const isFinal = (error: unknown): boolean => !(error instanceof ArchiveError) || error.code !== 'refused'

async function serve(around: Measured, unlocked: Unlocked, state: State): Promise<Enclave> {
  const { clock, log, metrics, streams } = around
  const { config, access, keys, vault, alarms, keyOf } = unlocked
  const { world, watch, ledger } = state
  const tags = new Map(world.rules.map((rule) => [rule.name, rule.tags]))
  const falco = { hostname: config.environment, tags: (rule: string) => tags.get(rule) ?? [] }
  const sinks = await Promise.all(
    config.sinks.map(async (settings) => ({
      sink: await openSink(settings, { streams, clock, falco, agent: access.aws.agent, keyOf }),
      wanted: settings.outcomes,
      cursor: openCursor(settings.name, vault),
    })),
  )
  const quarantine = await openQuarantine(vault, log)
  const queue = openSqs(access.aws, config.queue, config.queue_visibility_secs)
  const observe = (finding: Finding) => {
    metrics.observe(finding)
    around.observe(finding)
  }
  const work = { queue, world, watch, hold: createHold(), ledger, quarantine, observe, metrics, clock, log }
  const put = openCloudWatch(access.aws, config.environment)
  metrics.count('EnclaveStarts')

  return async (signal) => {
    await Promise.all([
      run(work, signal),
      pulse({ metrics, put }, { clock, log, signal }),
      rotate({ keys, ledger, vault }, config.dek_rotation_interval_secs, { alarms, clock, log, signal }),
      alarms.follow((alarm) => tell(alarm, work, signal), signal),
      ...sinks.map(({ sink, wanted, cursor }) => deliver(sink, wanted, { ledger, cursor, alarms, log, signal })),
    ])
  }
}
