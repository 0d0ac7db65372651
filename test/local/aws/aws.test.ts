import { spawn } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { openRecipient, RecipientError } from '../../../enclave/attestation/recipient.ts'
import { startLocalAws, type LocalAws, type Ready } from '../../../local/aws/aws.ts'
import type { Settings } from '../../../local/aws/settings.ts'
import { createSoftwareNsm, type SoftwareNsm } from '../../../local/nsm/device.ts'
import { ACCOUNT, clientTo, REGION } from './clients.ts'

const PCR0 = 'a1'.repeat(48)
const main = fileURLToPath(new URL('../../../local/aws/main.ts', import.meta.url))
const recipient = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = recipient.publicKey.export({ type: 'spki', format: 'der' })

let dir: string
let device: SoftwareNsm
let settings: Settings

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'driftseal-aws-'))
  device = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
  const nsmRoot = join(dir, 'root.der')
  await writeFile(nsmRoot, device.rootDer)
  settings = {
    region: REGION,
    account: ACCOUNT,
    environment: 'local',
    dir: join(dir, 'aws'),
    keyId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    nsmRoot,
    allowedPcr0: [PCR0],
    identity: {
      trustAnchor: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:trust-anchor/5d0b6f0c`,
      profile: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:profile/c94e1a27`,
      role: `arn:aws:iam::${ACCOUNT}:role/driftseal-enclave`,
    },
    sessionSecs: 3600,
    accessKeys: { AKIAIOSFODNN7EXAMPLE: ['*'] },
    roleActions: ['s3:GetObject'],
    queues: ['driftseal-events'],
    buckets: ['driftseal-states'],
    servers: ['hooks.example.com'],
  }
})
afterAll(() => rm(dir, { recursive: true }))

async function unwrap(ready: Ready, secret: string, purpose: string, stage = 'AWSCURRENT'): Promise<Uint8Array> {
  const client = await clientOf(ready)
  const fetched = await new SecretsManagerClient(client).send(
    new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }),
  )
  const answer = await new KMSClient(client).send(
    new DecryptCommand({
      KeyId: ready.keyArn,
      CiphertextBlob: fetched.SecretBinary,
      EncryptionContext: { service: 'driftseal', environment: 'local', purpose },
      Recipient: {
        AttestationDocument: await openNsm(device.request).attest({ publicKey }),
        KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      },
    }),
  )
  return openRecipient(answer.CiphertextForRecipient ?? new Uint8Array(), recipient.privateKey)
}

const clientOf = async (ready: Ready) => clientTo({ port: ready.port, ca: await readFile(ready.caFile, 'utf8') })

describe('in this process', () => {
  let aws: LocalAws
  beforeAll(async () => {
    aws = await startLocalAws(settings)
  })
  afterAll(() => aws.close())

  test('an attested enclave unwraps its keys, and the webhook’s is the receiver’s', async () => {
    expect(aws.ready.keyArn).toBe(`arn:aws:kms:${REGION}:${ACCOUNT}:key/${settings.keyId}`)
    expect(await unwrap(aws.ready, aws.ready.dekSecret, 'dek')).toHaveLength(32)
    const webhook = await unwrap(aws.ready, aws.ready.webhookSecret, 'webhook')
    expect(Buffer.from(webhook)).toEqual(await readFile(aws.ready.webhookKeyFile))
    expect((await stat(aws.ready.webhookKeyFile)).mode & 0o777).toBe(0o600)
  })

  test('one wrapped key does not pass for the other', async () => {
    await expect(unwrap(aws.ready, aws.ready.webhookSecret, 'dek')).rejects.toThrow('encryption context')
  })

  test('queue and bucket are there', async () => {
    const client = await clientOf(aws.ready)
    const QueueUrl = aws.ready.queueUrls['driftseal-events']
    const sent = await new SQSClient(client).send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }))
    expect(sent.MessageId).toBeDefined()
    await new S3Client(client).send(new HeadBucketCommand({ Bucket: 'driftseal-states' }))
  })

  test('rotation keeps the previous key within reach', async () => {
    const before = await unwrap(aws.ready, aws.ready.dekSecret, 'dek')
    aws.secrets.put(aws.ready.dekSecret, aws.wrapDek())
    expect(await unwrap(aws.ready, aws.ready.dekSecret, 'dek')).not.toEqual(before)
    expect(await unwrap(aws.ready, aws.ready.dekSecret, 'dek', 'AWSPREVIOUS')).toEqual(before)
  })

  test('an image taken off the list gets nothing more', async () => {
    aws.allowPcr0(['b2'.repeat(48)])
    await expect(unwrap(aws.ready, aws.ready.dekSecret, 'dek')).rejects.toMatchObject({ name: 'AccessDeniedException' })
    aws.allowPcr0([PCR0])
    expect(await unwrap(aws.ready, aws.ready.dekSecret, 'dek')).toHaveLength(32)
  })

  test('further servers get a certificate of the same CA', async () => {
    const files = aws.ready.servers['hooks.example.com']
    const certificate = new X509Certificate(await readFile(files?.certFile ?? ''))
    const ca = new X509Certificate(await readFile(aws.ready.caFile))
    expect(certificate.checkHost('hooks.example.com')).toBe('hooks.example.com')
    expect(certificate.verify(ca.publicKey)).toBe(true)
    expect((await stat(files?.keyFile ?? '')).mode & 0o777).toBe(0o600)
  })

  test('what is sent to a recipient can be tampered with', async () => {
    const hostile = await startLocalAws(
      { ...settings, dir: join(dir, 'hostile') },
      { tamperRecipient: (ber) => ber.slice(1) },
    )
    await expect(unwrap(hostile.ready, hostile.ready.dekSecret, 'dek')).rejects.toThrow(RecipientError)
    await hostile.close()
  })
})

describe('as a process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('says when it is ready and ends on %s', async (signal) => {
    const file = join(dir, 'settings.json')
    await writeFile(file, JSON.stringify({ ...settings, dir: join(dir, signal) }))
    const child = spawn(process.execPath, [main, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'close')
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const ready = JSON.parse(line) as Ready // what the process under test printed
    expect(await unwrap(ready, ready.dekSecret, 'dek')).toHaveLength(32)
    child.kill(signal)
    expect(await ended).toEqual([0, null])
  })

  test.each([
    ['no settings', []],
    ['bad settings', ['{"region":"x"}']],
    ['no such file', ['/nonexistent/settings.json']],
  ])('%s: one line, code 1', async (_what, args) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(text).toMatch(/^local AWS: .+\n$/)
  })
})
