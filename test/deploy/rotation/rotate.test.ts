import type { KMSClient } from '@aws-sdk/client-kms'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseRotation, RotationError, type Rotation } from '../../../deploy/rotation/request.ts'
import { rotate, type Wrapping } from '../../../deploy/rotation/rotate.ts'
import type { Front } from '../../../local/aws/front.ts'
import { createKms, type Kms } from '../../../local/aws/kms.ts'
import { createSecrets, type Secrets } from '../../../local/aws/secrets.ts'
import { ACCOUNT, REGION } from '../../local/aws/clients.ts'
import { serveKeyServices } from '../../local/aws/key_services.ts'

const KEY = '11111111-2222-4333-8444-555555555555'
const ENVIRONMENT = 'test'
const contextOf = (purpose: string) => ({ service: 'driftseal', environment: ENVIRONMENT, purpose })
const GENERATE = [
  { action: 'GenerateDataKeyWithoutPlaintext', context: contextOf('dek') },
  { action: 'GenerateDataKeyPairWithoutPlaintext', context: contextOf('identity') },
] as const

let store: Secrets
let kms: Kms
let front: Front
let clients: { secrets: SecretsManagerClient; kms: KMSClient }
let keyArn: string
let secret: string

beforeAll(async () => {
  const services = await serveKeyServices({
    kms: (request, response) => kms.service(request, response),
    secretsmanager: (request, response) => store.service(request, response),
  })
  front = services.front
  clients = services.clients
})
afterAll(() => front.close())
beforeEach(async () => {
  const world = { region: REGION, account: ACCOUNT, now: () => new Date() }
  store = createSecrets(world)
  kms = createKms({ ...world, root: new Uint8Array() })
  keyArn = kms.createKey(KEY, { decrypt: ['00'.repeat(48)], generate: GENERATE })
  const first = { Name: 'driftseal/dek', SecretBinary: Buffer.alloc(184, 1) }
  secret = (await clients.secrets.send(new CreateSecretCommand(first))).ARN ?? ''
})

const wrapping = (purpose: Wrapping['purpose'] = 'dek'): Wrapping => ({ keyArn, environment: ENVIRONMENT, purpose })
const valueAt = async (stage: string): Promise<Uint8Array | undefined> =>
  (await clients.secrets.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }))).SecretBinary

/** What Secrets Manager does on rotate-secret before it calls the function. */
async function begin(): Promise<string> {
  const token = randomUUID()
  await clients.secrets.send(new RotateSecretCommand({ SecretId: secret, ClientRequestToken: token }))
  return token
}

const step = (name: Rotation['step'], token: string, purpose?: Wrapping['purpose']): Promise<void> =>
  rotate({ step: name, secret, token }, wrapping(purpose), clients)

async function rotateOnce(purpose?: Wrapping['purpose']): Promise<void> {
  const token = await begin()
  for (const name of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const)
    await step(name, token, purpose)
}

const fingerprint = (wrapped: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(wrapped ?? new Uint8Array())
    .digest('hex')

describe('a rotation', () => {
  it('puts a key that nobody has seen in the place of the current one, which becomes the previous one', async () => {
    const before = fingerprint(await valueAt('AWSCURRENT'))
    await rotateOnce()
    expect(fingerprint(await valueAt('AWSPREVIOUS'))).toBe(before)
    expect(fingerprint(await valueAt('AWSCURRENT'))).not.toBe(before)
    await rotateOnce()
    expect(fingerprint(await valueAt('AWSPREVIOUS'))).not.toBe(before)
  })

  it('makes a P-256 key for the identity', async () => {
    await rotateOnce('identity')
    // The ciphertext of a PKCS#8 key is longer than that of 32 bytes.
    expect((await valueAt('AWSCURRENT'))?.length).toBeGreaterThan(150)
  })

  it('may be asked for each step twice', async () => {
    const token = await begin()
    await step('createSecret', token)
    const made = fingerprint(await valueAt('AWSPENDING'))
    await step('createSecret', token)
    expect(fingerprint(await valueAt('AWSPENDING'))).toBe(made)
    for (const name of ['testSecret', 'testSecret', 'finishSecret', 'finishSecret', 'createSecret'] as const)
      await step(name, token)
    expect(fingerprint(await valueAt('AWSCURRENT'))).toBe(made)
  })
})

describe('a rotation stops, and the current version stays,', () => {
  const refused = (code: RotationError['code']) => expect.objectContaining({ code }) as RotationError

  it.each<[string, () => Promise<void>, RotationError['code']]>([
    ['for a version that nobody began', () => step('createSecret', randomUUID()), 'ERR_ROTATION_VERSION'],
    ['when the pending version is empty', async () => step('testSecret', await begin()), 'ERR_ROTATION_SHAPE'],
    ['when the pending version is too short', () => testing(Buffer.alloc(63)), 'ERR_ROTATION_SHAPE'],
    ['when the pending version is too long', () => testing(Buffer.alloc(1025)), 'ERR_ROTATION_SHAPE'],
    ['when an earlier version is put back', () => testing(Buffer.alloc(184, 1)), 'ERR_ROTATION_SHAPE'],
    ['when the pending version is text', () => testing('text'), 'ERR_ROTATION_SHAPE'],
  ])('%s', async (_when, attempt, code) => {
    const before = fingerprint(await valueAt('AWSCURRENT'))
    await expect(attempt()).rejects.toThrow(refused(code))
    expect(fingerprint(await valueAt('AWSCURRENT'))).toBe(before)
  })

  it('when KMS used another key', async () => {
    const alias = { ...wrapping(), keyArn: KEY } // KMS finds it by its id too, and answers with the ARN
    const token = await begin()
    const attempt = rotate({ step: 'createSecret', secret, token }, alias, clients)
    await expect(attempt).rejects.toThrow(refused('ERR_ROTATION_KEY'))
  })

  it('when the key policy does not allow the encryption context', async () => {
    const token = await begin()
    const attempt = rotate({ step: 'createSecret', secret, token }, { ...wrapping(), environment: 'other' }, clients)
    await expect(attempt).rejects.toThrow('the key policy allows no')
  })

  async function testing(value: Uint8Array | string): Promise<void> {
    const token = await begin()
    const content = typeof value === 'string' ? { SecretString: value } : { SecretBinary: value }
    const put = { SecretId: secret, ClientRequestToken: token, VersionStages: ['AWSPENDING'], ...content }
    await clients.secrets.send(new PutSecretValueCommand(put))
    await step('testSecret', token)
  }
})

describe('the request', () => {
  const good = {
    Step: 'createSecret',
    SecretId: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:driftseal/dek-a1b2c3',
    ClientRequestToken: '00000000-0000-4000-8000-000000000001',
  }

  it('is what Secrets Manager sends', () => {
    expect(parseRotation(good)).toEqual({
      step: 'createSecret',
      secret: good.SecretId,
      token: good.ClientRequestToken,
    })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['another step', { ...good, Step: 'deleteSecret' }],
    ['a bare name', { ...good, SecretId: 'driftseal/dek' }],
    ['a short token', { ...good, ClientRequestToken: '1' }],
  ])('is refused as %s', (_what, event) => {
    expect(() => parseRotation(event)).toThrow(RotationError)
  })
})
