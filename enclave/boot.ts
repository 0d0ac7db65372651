import type { Server, Socket } from 'node:net'
import { openBlobs } from './adapters/blobs.ts'
import type { AwsAccess } from './adapters/aws.ts'
import { credentialsFrom } from './adapters/credentials.ts'
import { openEgress } from './adapters/egress.ts'
import { createIngress } from './adapters/ingress.ts'
import { openKms } from './adapters/kms.ts'
import { openNsm, type NsmDevice } from './adapters/nsm.ts'
import { openParent } from './adapters/parent.ts'
import { loadRules } from './adapters/rules.ts'
import { openS3States } from './adapters/s3.ts'
import { openSecrets } from './adapters/secrets.ts'
import { openSqs } from './adapters/sqs.ts'
import { allowedHosts, parseConfig, type Config } from './config.ts'
import { createDrifts } from './core/drifts.ts'
import type { World } from './core/detect.ts'
import type { Finding } from './core/finding.ts'
import { createStateIndex } from './core/state_index.ts'
import { openCursor } from './cursor.ts'
import { deliver } from './delivery.ts'
import { createHold } from './hold.ts'
import { createIdentity, ingressBinding, type Identity } from './identity.ts'
import { openLedger, type Ledger } from './ledger.ts'
import type { Clock, Log, Nsm } from './ports.ts'
import { codeOf } from './retry.ts'
import { openQuarantine } from './quarantine.ts'
import { run } from './run.ts'
import { createRing, digestOf } from './sealing/ring.ts'
import { openSink, type Streams } from './sinks.ts'
import type { Secret } from './sealing/types.ts'
import { watchStates, type StateWatch } from './states.ts'
import { unwrap } from './unwrap.ts'
import { openVault, type Vault } from './vault.ts'

/** How long the first look at the states may take. What is missing then is looked for again while serving. */
const STATE_TIMEOUT_MS = 60_000

export type Phase = 'device' | 'identity' | 'keys' | 'state' | 'serving'

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
  readonly dialEgress: () => Promise<Socket>
  readonly dialServices: () => Promise<Socket>
  readonly listen: (ingress: Server) => Promise<void>
  /** The roots, in PEM, under which other hosts prove their names. */
  readonly tlsRoots: readonly string[]
  readonly config: Uint8Array
  readonly rules: string
  readonly streams: Streams
  readonly clock: Clock
  readonly log: Log
  /** Told of every outcome once it is safe. */
  readonly observe: (finding: Finding) => void
}

/** Runs until the signal aborts; rejects when something is wrong that only a new start can mend. */
export type Enclave = (signal: AbortSignal) => Promise<void>

/** Brings the enclave up, phase by phase, each building on what the one before has proved. A failure ends the start. */
export async function boot(around: Surroundings): Promise<Enclave> {
  const nsm = await phase('device', around, () => checkDevice(around))
  const identity = await phase('identity', around, () => createIdentity(around.clock.now()))
  const keys = await phase('keys', around, () => fetchKeys(around, nsm, identity))
  const state = await phase('state', around, () => loadState(around, keys))
  return phase('serving', around, () => serve(around, { nsm, identity, keys, state }))
}

async function phase<T>(name: Phase, { log, clock }: Surroundings, task: () => Promise<T>): Promise<T> {
  const began = clock.now()
  try {
    const result = await task()
    log('info', `boot.${name}`, { ms: clock.now() - began })
    return result
  } catch (error) {
    log('error', `boot.${name}.failed`, { error: codeOf(error) })
    throw new BootError(name, error)
  }
}

async function checkDevice({ device }: Surroundings): Promise<Nsm> {
  const nsm = openNsm(device)
  const pcr0 = await nsm.pcr(0)
  // A debug enclave measures to zeros, and its console shows everything to the host.
  if (pcr0.every((byte) => byte === 0))
    throw new Error('PCR0 is all zero: this is a debug enclave, which keeps no secret')
  return nsm
}

interface Keys {
  readonly config: Config
  readonly access: AwsAccess
  readonly vault: Vault
  readonly keyOf: (secretId: string) => Promise<Secret>
}

async function fetchKeys(around: Surroundings, nsm: Nsm, identity: Identity): Promise<Keys> {
  const config = parseConfig(around.config)
  const parent = openParent(around.dialServices)
  const { agent } = openEgress({ dial: around.dialEgress, roots: around.tlsRoots, allowed: allowedHosts(config) })
  const access = { region: config.region, agent, credentials: credentialsFrom(parent) }
  const parts = { secrets: openSecrets(access), kms: openKms(access), nsm, config, identity }

  const { wrapped, key } = await unwrap(parts, config.dek_secret, 'dek')
  const ring = createRing()
  ring.sealWith(ring.add(wrapped, key))
  const keyOf = async (secretId: string) => (await unwrap(parts, secretId, 'webhook')).key
  const vault = openVault(openBlobs(parent), ring, config.environment, around.clock)
  return { config, access, vault, keyOf }
}

interface State {
  readonly world: World
  readonly watch: StateWatch
  readonly ledger: Ledger
}

async function loadState({ rules, clock, log }: Surroundings, { config, access, vault }: Keys): Promise<State> {
  const { catalog, rules: compiled } = await loadRules(rules)
  const { ledger, findings, anomalies } = await openLedger(vault, log)
  for (const anomaly of anomalies) log('error', 'ledger.anomaly', { ...anomaly })
  log('info', 'ledger.opened', { findings: findings.length, anomalies: anomalies.length })

  const index = createStateIndex(catalog.types)
  const watch = watchStates({ config, source: openS3States(access), index, vault, clock, log })
  await watch.refresh(AbortSignal.timeout(STATE_TIMEOUT_MS))
  const principals = new Map(config.states.map((state) => [state.name, state.terraform_principals]))
  const world: World = {
    catalog,
    rules: compiled,
    states: index,
    drifts: createDrifts(findings),
    principals: (state) => principals.get(state) ?? [],
    digest: (value) => digestOf(vault.ring, value),
    holdMs: config.terraform_hold_secs * 1000,
  }
  return { world, watch, ledger }
}

async function serve(
  around: Surroundings,
  { nsm, identity, keys, state }: { nsm: Nsm; identity: Identity; keys: Keys; state: State },
): Promise<Enclave> {
  const { clock, log, observe, streams } = around
  const { config, access, vault } = keys
  const { world, watch, ledger } = state
  const sinks = await Promise.all(
    config.sinks.map(async (settings) => ({
      sink: await openSink(settings, { streams, clock, agent: access.agent, keyOf: keys.keyOf }),
      wanted: settings.outcomes,
      cursor: openCursor(settings.name, vault, log),
    })),
  )
  const quarantine = await openQuarantine(vault, log)
  const queue = openSqs(access, config.queue, config.queue_visibility_secs)

  const ingress = createIngress(identity.tls, {
    waitingFor: () => (watch.missing().length === 0 ? undefined : `state ${watch.missing().join(', ')}`),
    attest: (nonce) => nsm.attest({ nonce, userData: ingressBinding(identity, around.config) }),
  })
  await around.listen(ingress)

  return async (signal) => {
    const work = { queue, world, watch, hold: createHold(), ledger, quarantine, observe, clock, log }
    await Promise.all([
      run(work, signal),
      ...sinks.map(({ sink, wanted, cursor }) => deliver(sink, wanted, { ledger, cursor, log, signal })),
    ])
  }
}
