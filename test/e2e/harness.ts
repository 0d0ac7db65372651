import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { openRecipient } from '../../enclave/attestation/recipient.ts'
import type { Finding, OutcomeName } from '../../enclave/core/finding.ts'
import { extend, GENESIS, type Anomaly } from '../../enclave/sealing/ledger.ts'
import { createRing } from '../../enclave/sealing/ring.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { startLocalAws, type LocalAws } from '../../local/aws/aws.ts'
import { agentTo } from '../../local/aws/front.ts'
import type { Told } from '../../local/enclave.ts'
import { dialNsm } from '../../local/nsm/dial.ts'
import { hostPrincipal } from '../../local/principals.ts'
import { startStack, type Stack, type StackOptions } from '../../local/stack.ts'
import { REGION } from '../../local/story.ts'
import { createNews } from '../fakes/news.ts'
import { ecrRules } from '../fakes/rules.ts'

/** All that the story needs; `npm start` plays it with all that is known. */
const RULES = ecrRules()

type LogLine = Extract<Told, { kind: 'log' }>

/** What a stack told so far, and waiting for what it will tell. */
export interface Record {
  readonly findings: Finding[]
  readonly logs: LogLine[]
  readonly delivered: Finding[]
  /** Resolves once the condition holds; it is tried whenever something new was told. */
  until(condition: () => boolean): Promise<void>
}

export interface Chain extends AsyncDisposable {
  readonly stack: Stack
  readonly record: Record
}

/** Starts the chain in a folder of its own; it and every process are gone when the scope ends. */
export async function startChain(options: Omit<StackOptions, 'dir'> = {}): Promise<Chain> {
  const dir = await mkdtemp(join(tmpdir(), 'ds-'))
  const { told: news, until } = createNews()
  const findings: Finding[] = []
  const logs: LogLine[] = []
  const delivered: Finding[] = []
  const clear = () => rm(dir, { recursive: true, force: true })
  const stack = await startStack({
    rules: RULES,
    onTold(told) {
      if (told.kind === 'finding') findings.push(told.finding)
      else logs.push(told)
      news()
    },
    onDelivery({ body }) {
      delivered.push(JSON.parse(body) as Finding) // the sink's format is `finding`
      news()
    },
    ...options,
    dir,
  }).catch(async (error: unknown) => {
    await clear()
    throw error
  })
  return {
    stack,
    record: {
      findings,
      logs,
      delivered,
      until,
    },
    async [Symbol.asyncDispose]() {
      await stack.stop()
      await clear()
    },
  }
}

/** The local AWS inside this process, so that a test can put its hands on it. */
export function awsHere(
  change: {
    readonly settings?: Partial<Parameters<typeof startLocalAws>[0]>
    readonly hostile?: Parameters<typeof startLocalAws>[1]
    readonly started?: (aws: LocalAws) => void
  } = {},
): NonNullable<StackOptions['startAws']> {
  return async (settings) => {
    const aws = await startLocalAws({ ...settings, ...change.settings }, change.hostile)
    change.started?.(aws)
    return { ready: aws.ready, stop: () => aws.close() }
  }
}

/** Data keys, got as the enclave gets them: the software NSM vouches for us just as well. First of all AWSCURRENT. */
export async function unwrapDeks(
  stack: Stack,
  older: readonly Uint8Array[] = [],
): Promise<{ wrapped: Uint8Array; dek: Uint8Array }[]> {
  const agent = agentTo({ port: stack.aws.port, ca: await readFile(stack.aws.caFile, 'utf8') })
  const access = {
    region: REGION,
    credentials: hostPrincipal.credentials,
    requestHandler: { httpsAgent: agent },
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const nsm = openNsm(dialNsm(`unix:${join(stack.dir, 'nsm.sock')}`))
  const attestation = await nsm.attest({ publicKey: publicKey.export({ type: 'spki', format: 'der' }) })
  const { SecretBinary: current = new Uint8Array() } = await new SecretsManagerClient(access).send(
    new GetSecretValueCommand({ SecretId: stack.aws.dekSecret }),
  )
  const kms = new KMSClient(access)
  const deks = [current, ...older].map(async (wrapped) => {
    const { CiphertextForRecipient = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        CiphertextBlob: wrapped,
        EncryptionContext: { service: 'driftseal', environment: 'local', purpose: 'dek' },
        Recipient: { AttestationDocument: attestation, KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' },
      }),
    )
    return { wrapped, dek: openRecipient(CiphertextForRecipient, privateKey) }
  })
  return Promise.all(deks).finally(() => agent.destroy())
}

/** Everything in the parent's store that the ledger's own rules accept. */
export async function readLedger(stack: Stack): Promise<{ findings: Finding[]; anomalies: Anomaly[] }> {
  const blobs = join(stack.parentDir, 'blobs')
  const stored = (await readdir(blobs)).sort()
  const keys = stored.filter((name) => name.startsWith('key-')).map((name) => readFile(join(blobs, name)))
  const ring = createRing()
  for (const { wrapped, dek } of await unwrapDeks(stack, await Promise.all(keys))) ring.add(wrapped, new Secret(dek))
  const names = stored.filter((name) => name.startsWith('alerts-'))
  const findings: Finding[] = []
  const anomalies: Anomaly[] = []
  let head = GENESIS
  for (const name of names) {
    const bytes = await readFile(join(blobs, name))
    const entry = { sequence: Number(name.slice('alerts-'.length)), bytes }
    const step = extend(ring, { environment: 'local', purpose: 'alert', stream: 'alerts' }, head, entry)
    head = step.head
    anomalies.push(...step.anomalies)
    if (step.opened) findings.push(...(JSON.parse(Buffer.from(step.opened.plaintext).toString()) as Finding[]))
  }
  return { findings, anomalies }
}

export const eventIds = (findings: readonly Finding[]): readonly string[] => findings.map(({ eventId }) => eventId)
export const outcomes = (findings: readonly Finding[]): readonly OutcomeName[] => findings.map(({ outcome }) => outcome)

/** What the enclave answers at /readyz, through the parent. */
export async function readiness(stack: Stack): Promise<{ status: number | undefined; body: unknown }> {
  const call = request({ port: stack.ingressPort, path: '/readyz', rejectUnauthorized: false, agent: false }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
  return { status: response.statusCode, body: await json(response) }
}
