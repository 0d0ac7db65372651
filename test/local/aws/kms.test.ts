import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  KMSClient,
  type DecryptCommandInput,
  type DecryptCommandOutput,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { openRecipient, RecipientError } from '../../../enclave/attestation/recipient.ts'
import type { Nsm } from '../../../enclave/ports.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { createKms, type KeyPolicy, type Kms } from '../../../local/aws/kms.ts'
import { createSoftwareNsm, type SoftwareNsm } from '../../../local/nsm/device.ts'
import { ACCOUNT, clientTo, REGION } from './clients.ts'

const PCR0 = createHash('sha384').update('our image').digest('hex')
const OTHER_PCR0 = createHash('sha384').update('another image').digest('hex')
const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0f8fad5b-d9cb-469f-a165-70867728950e`
const OTHER_KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1b4e28ba-2fa1-41d2-883f-0016d3cca427`
const idOf = (arn: string) => arn.slice(arn.indexOf('/') + 1)
const DEK = { service: 'driftseal', environment: 'local', purpose: 'dek' }
const WEBHOOK = { ...DEK, purpose: 'webhook' }
const IDENTITY = { ...DEK, purpose: 'identity' }
const POLICY: KeyPolicy = {
  decrypt: [PCR0],
  generate: [
    { action: 'GenerateDataKeyWithoutPlaintext', context: DEK },
    { action: 'GenerateDataKey', context: WEBHOOK },
    { action: 'GenerateDataKeyPairWithoutPlaintext', context: IDENTITY },
  ],
}
const spki = { type: 'spki', format: 'der' } as const
const recipient = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = recipient.publicKey.export(spki)

let device: SoftwareNsm
let nsm: Nsm
let now: Date
let tamper: ((ber: Uint8Array) => Uint8Array) | undefined
let kms: Kms
let front: Front
let client: KMSClient

beforeAll(async () => {
  device = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
  nsm = openNsm(device.request)
  const ca = await createCa(new Date())
  const current: Kms['service'] = (request, response) => kms.service(request, response)
  front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { kms: current, secretsmanager: current, sqs: current, s3: current, rolesanywhere: current },
    access: () => 'allowed',
  })
  client = new KMSClient(clientTo({ port: front.port, ca: ca.pem }))
})
afterAll(() => front.close())
beforeEach(() => {
  now = new Date()
  tamper = undefined
  kms = createKms({
    region: REGION,
    account: ACCOUNT,
    root: device.rootDer,
    now: () => now,
    tamperRecipient: (ber) => tamper?.(ber) ?? ber,
  })
  kms.createKey(idOf(KEY), POLICY)
  kms.createKey(idOf(OTHER_KEY), POLICY)
})

const attested = (document: Uint8Array): DecryptCommandInput['Recipient'] => ({
  AttestationDocument: document,
  KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
})

async function decrypt(ciphertext: Uint8Array, changes: Partial<DecryptCommandInput> = {}) {
  return client.send(
    new DecryptCommand({
      KeyId: KEY,
      CiphertextBlob: ciphertext,
      EncryptionContext: DEK,
      Recipient: attested(await nsm.attest({ publicKey })),
      ...changes,
    }),
  )
}

const open = (answer: DecryptCommandOutput) =>
  openRecipient(answer.CiphertextForRecipient ?? new Uint8Array(), recipient.privateKey)

describe('Decrypt', () => {
  test.each([KEY, idOf(KEY), undefined])('for an attested recipient, key %s', async (KeyId) => {
    const { plaintext, ciphertext } = kms.generate('GenerateDataKey', KEY, WEBHOOK)
    const answer = await decrypt(ciphertext, { KeyId, EncryptionContext: WEBHOOK })
    expect(answer.Plaintext).toBeUndefined()
    expect(answer.KeyId).toBe(KEY)
    expect(Buffer.from(open(answer))).toEqual(plaintext)
  })

  const dek = () => kms.generate('GenerateDataKeyWithoutPlaintext', KEY, DEK).ciphertext
  const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1)

  test.each<[string, string, () => Promise<unknown>]>([
    ['no recipient', 'AccessDeniedException', () => decrypt(dek(), { Recipient: undefined })],
    [
      'another image',
      'AccessDeniedException',
      async () => {
        kms.setPolicy(KEY, { ...POLICY, decrypt: [OTHER_PCR0] })
        return decrypt(dek())
      },
    ],
    [
      'an image of another root',
      'AccessDeniedException',
      async () => {
        const foreign = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
        return decrypt(dek(), { Recipient: attested(await openNsm(foreign.request).attest({ publicKey })) })
      },
    ],
    [
      'an image in debug mode',
      'AccessDeniedException',
      async () => {
        const debug = await createSoftwareNsm({ pcr0: '0'.repeat(96), now: Date.now })
        return decrypt(dek(), { Recipient: attested(await openNsm(debug.request).attest({ publicKey })) })
      },
    ],
    [
      'a document whose certificate has expired',
      'AccessDeniedException',
      async () => {
        now = new Date(Date.now() + 4 * 3_600_000)
        return decrypt(dek())
      },
    ],
    [
      'a changed document',
      'AccessDeniedException',
      async () => {
        const document = await nsm.attest({ publicKey })
        return decrypt(dek(), { Recipient: attested(flipped(document, document.length - 1)) })
      },
    ],
    [
      'bytes that are no document',
      'AccessDeniedException',
      () => decrypt(dek(), { Recipient: attested(Buffer.of(1)) }),
    ],
    [
      'a document without a public key',
      'ValidationException',
      async () => decrypt(dek(), { Recipient: attested(await nsm.attest({})) }),
    ],
    [
      'a document with another kind of key',
      'ValidationException',
      async () => {
        const { publicKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        return decrypt(dek(), { Recipient: attested(await nsm.attest({ publicKey: ec.export(spki) })) })
      },
    ],
    [
      'a document with a short key',
      'ValidationException',
      async () => {
        const { publicKey: short } = generateKeyPairSync('rsa', { modulusLength: 1024 })
        return decrypt(dek(), { Recipient: attested(await nsm.attest({ publicKey: short.export(spki) })) })
      },
    ],
    [
      'another encryption algorithm',
      'ValidationException',
      async () => {
        const AttestationDocument = await nsm.attest({ publicKey })
        return decrypt(dek(), {
          Recipient: { AttestationDocument, KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_1' as 'RSAES_OAEP_SHA_256' },
        })
      },
    ],
    ['another purpose', 'InvalidCiphertextException', () => decrypt(dek(), { EncryptionContext: WEBHOOK })],
    ['no context', 'InvalidCiphertextException', () => decrypt(dek(), { EncryptionContext: undefined })],
    ['a tampered ciphertext', 'InvalidCiphertextException', () => decrypt(flipped(dek(), 40))],
    ['bytes that are no ciphertext', 'InvalidCiphertextException', () => decrypt(Buffer.alloc(100))],
    ['no ciphertext', 'ValidationException', () => decrypt(new Uint8Array())],
    ['another key', 'IncorrectKeyException', () => decrypt(dek(), { KeyId: OTHER_KEY })],
    ['an unknown key', 'NotFoundException', () => decrypt(dek(), { KeyId: 'alias/driftseal' })],
  ])('%s is refused', async (_what, name, call) => {
    await expect(call()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
  })

  test('a hostile network may change the answer, and the recipient notices', async () => {
    tamper = (ber) => flipped(ber, 4)
    const answer = await decrypt(dek())
    expect(() => open(answer)).toThrow(RecipientError)
  })
})

describe('data keys', () => {
  const generate = { KeyId: KEY, KeySpec: 'AES_256' } as const

  test('the data key never comes out', async () => {
    const call = { ...generate, EncryptionContext: DEK }
    const made = await client.send(new GenerateDataKeyWithoutPlaintextCommand(call))
    expect(made).not.toHaveProperty('Plaintext')
    const answer = await decrypt(made.CiphertextBlob ?? new Uint8Array())
    expect(open(answer)).toHaveLength(32)
    await expect(client.send(new GenerateDataKeyCommand(call))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    })
  })

  test('a key pair: everyone may see its public half, the enclave alone its private one', async () => {
    const call = { KeyId: KEY, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext: IDENTITY } as const
    const made = await client.send(new GenerateDataKeyPairWithoutPlaintextCommand(call))
    const answer = await decrypt(made.PrivateKeyCiphertextBlob ?? new Uint8Array(), { EncryptionContext: IDENTITY })
    const key = createPrivateKey({ key: Buffer.from(open(answer)), format: 'der', type: 'pkcs8' })
    expect(createPublicKey(key).export(spki)).toEqual(Buffer.from(made.PublicKey ?? []))
    await expect(
      client.send(new GenerateDataKeyPairWithoutPlaintextCommand({ ...call, EncryptionContext: DEK })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(
      client.send(new GenerateDataKeyPairWithoutPlaintextCommand({ ...call, KeyPairSpec: 'RSA_2048' })),
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  test('a webhook key is given to the operator', async () => {
    const made = await client.send(new GenerateDataKeyCommand({ ...generate, EncryptionContext: WEBHOOK }))
    expect(made.Plaintext).toHaveLength(32)
    const answer = await decrypt(made.CiphertextBlob ?? new Uint8Array(), { EncryptionContext: WEBHOOK })
    expect(open(answer)).toEqual(made.Plaintext)
  })

  test.each([
    ['no context', {}],
    ['another environment', { ...WEBHOOK, environment: 'production' }],
    ['another purpose', { ...WEBHOOK, purpose: 'backup' }],
    ['a pair more', { ...WEBHOOK, more: 'x' }],
  ])('%s is denied', async (_what, EncryptionContext) => {
    await expect(client.send(new GenerateDataKeyCommand({ ...generate, EncryptionContext }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    })
  })

  test('a recipient is not overlooked', async () => {
    const Recipient = attested(await nsm.attest({ publicKey }))
    const call = new GenerateDataKeyCommand({ ...generate, EncryptionContext: WEBHOOK, Recipient })
    await expect(client.send(call)).rejects.toMatchObject({ name: 'ValidationException' })
  })
})
