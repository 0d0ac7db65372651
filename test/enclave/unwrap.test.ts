import { describe, expect, it } from 'vitest'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { parseDocument } from '../../enclave/attestation/document.ts'
import { RecipientError } from '../../enclave/attestation/error.ts'
import { parseConfig } from '../../enclave/config.ts'
import { createIdentity } from '../../enclave/identity.ts'
import type { HostBytes } from '../../enclave/ports.ts'
import { unwrap, UnwrapError, type Unwrapping } from '../../enclave/unwrap.ts'
import { encryptForRecipient } from '../../local/aws/recipient.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { hostBytes } from '../fakes/blobs.ts'

const config = parseConfig(
  Buffer.from(`
environment: production
region: us-east-1
kms_key: arn:aws:kms:us-east-1:111122223333:key/2f1c7e9a
dek_secret: driftseal/dek
queue: https://sqs.us-east-1.amazonaws.com/111122223333/events
states: [{ name: network, bucket: states, key: network.tfstate }]
`),
)
const identity = await createIdentity(0)
const stranger = await createIdentity(0)
const nsm = openNsm((await createSoftwareNsm({ pcr0: 'a1'.repeat(48), now: Date.now })).request)

const parts = (): Unwrapping => ({
  secrets: { fetch: async () => ({ version: 'v1', wrapped: hostBytes('wrapped') }) },
  kms: { decryptForRecipient: () => Promise.reject(new Error('not asked')) },
  nsm,
  config,
  identity,
})

/** Unwraps what KMS would answer with this plaintext, and tells under which context it was asked. */
async function unwrapped(purpose: 'dek' | 'webhook' | 'identity', plaintext: Uint8Array) {
  const contexts: unknown[] = []
  const kms = {
    decryptForRecipient: async ({ context }: { context: object }) => {
      contexts.push(context)
      return encryptForRecipient(plaintext, identity.recipient.publicKey) as HostBytes
    },
  }
  const { key } = await unwrap({ ...parts(), kms }, 'driftseal/key', purpose)
  return { key, contexts }
}

describe('a wrapped key', () => {
  it.each([
    ['dek', 32],
    ['webhook', 32],
    ['identity', 67],
    ['identity', 138],
    ['identity', 150],
  ] as const)('for %s may have %i bytes, and is asked for under its purpose', async (purpose, length) => {
    const plaintext = Buffer.alloc(length, 7)
    const { key, contexts } = await unwrapped(purpose, plaintext)
    expect(key.use((bytes) => Buffer.from(bytes))).toEqual(plaintext)
    expect(contexts).toEqual([{ service: 'driftseal', environment: 'production', purpose }])
  })

  it.each([
    ['dek', 31],
    ['dek', 33],
    ['dek', 138],
    ['webhook', 0],
    ['identity', 32],
    ['identity', 66],
    ['identity', 151],
  ] as const)('for %s may not have %i bytes', async (purpose, length) => {
    await expect(unwrapped(purpose, Buffer.alloc(length, 7))).rejects.toThrow(UnwrapError)
  })

  it('is asked for with a document of its own each time, which names the key to answer to', async () => {
    const documents: Uint8Array[] = []
    const kms = {
      async decryptForRecipient({ attestation }: { attestation: Uint8Array }) {
        documents.push(attestation)
        return encryptForRecipient(Buffer.alloc(32), identity.recipient.publicKey) as HostBytes
      },
    }
    for (let count = 0; count < 2; count += 1) await unwrap({ ...parts(), kms }, 'driftseal/key', 'dek')
    const [first, second] = documents.map((document) => parseDocument(document))
    for (const one of [first, second]) expect(Buffer.from(one?.publicKey ?? [])).toEqual(identity.recipient.publicKey)
    expect(documents[1]).not.toEqual(documents[0])
  })

  it('that is not there is an error that says what to do', async () => {
    const secrets = { fetch: async () => undefined }
    const nothing = unwrap({ ...parts(), secrets }, 'driftseal/key', 'dek')
    await expect(nothing).rejects.toThrow(/no AWSCURRENT of driftseal\/key: is the key provisioned/)
  })

  it.each<[string, Uint8Array]>([
    ['noise', Buffer.from('noise')],
    ['for another recipient', encryptForRecipient(Buffer.alloc(32), stranger.recipient.publicKey)],
  ])('is not what KMS answers %s with', async (_what, answer) => {
    const kms = { decryptForRecipient: async () => answer as HostBytes }
    await expect(unwrap({ ...parts(), kms }, 'driftseal/key', 'dek')).rejects.toBeInstanceOf(RecipientError)
  })
})
