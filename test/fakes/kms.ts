import { randomBytes } from 'node:crypto'
import { KmsError } from '../../enclave/adapters/kms.ts'
import { parseConfig } from '../../enclave/config.ts'
import { createIdentity } from '../../enclave/identity.ts'
import type { HostBytes, Secrets } from '../../enclave/ports.ts'
import type { Unwrapping } from '../../enclave/unwrap.ts'
import { encryptForRecipient } from '../../local/aws/recipient.ts'
import { hostBytes } from './blobs.ts'

export const ENVIRONMENT = 'production'
const config = parseConfig(
  Buffer.from(`
environment: ${ENVIRONMENT}
region: us-east-1
kms_key: arn:aws:kms:us-east-1:111122223333:key/2f1c7e9a
dek_secret: driftseal/dek
queue: https://sqs.us-east-1.amazonaws.com/111122223333/events
states: [{ name: network, bucket: states, key: network.tfstate }]
`),
)
const identity = await createIdentity(0)

const notAsked = (): Promise<never> => Promise.reject(new Error('unwrapping does not ask for this'))

export interface FakeKms {
  /** All that openKeys asks of the world but the stores. */
  readonly unwrapping: Unwrapping
  /** A new data key, wrapped, and in no secret yet. */
  wrap(environment?: string): HostBytes
  /** The secret's stages, to be set as an administrator would. */
  readonly stages: Map<'AWSCURRENT' | 'AWSPREVIOUS', { version: string; wrapped: HostBytes }>
  /** A new version becomes AWSCURRENT. */
  rotate(wrapped: HostBytes): void
  /** The attestation documents that came with the Decrypts. */
  readonly asked: string[]
  fault: () => boolean
}

/** Secrets Manager with one secret, and a KMS that opens what it wrapped for whoever attests. */
export function createFakeKms(): FakeKms {
  const deks = new Map<string, { dek: Uint8Array; environment: string }>()
  const asked: string[] = []
  const stages: FakeKms['stages'] = new Map()
  let versions = 0
  let documents = 0

  const failing = (): void => {
    if (fake.fault()) throw new Error('not reached')
  }
  const secrets: Secrets = {
    async fetch(_secretId, stage) {
      failing()
      return stages.get(stage)
    },
  }
  const fake: FakeKms = {
    stages,
    asked,
    fault: () => false,
    wrap(environment = ENVIRONMENT) {
      const wrapped = hostBytes(randomBytes(180))
      deks.set(wrapped.toHex(), { dek: randomBytes(32), environment })
      return wrapped
    },
    rotate(wrapped) {
      const before = stages.get('AWSCURRENT')
      if (before !== undefined) stages.set('AWSPREVIOUS', before)
      versions += 1
      stages.set('AWSCURRENT', { version: `v${versions}`, wrapped })
    },
    unwrapping: {
      secrets,
      config,
      identity,
      nsm: {
        attest: async () => Buffer.from(`document ${(documents += 1)}`),
        pcr: notAsked,
        random: notAsked,
        describe: notAsked,
        extend: notAsked,
        lock: notAsked,
      },
      kms: {
        async decryptForRecipient({ ciphertext, attestation, context }) {
          failing()
          asked.push(Buffer.from(attestation).toString())
          const known = deks.get(ciphertext.toHex())
          if (known === undefined || known.environment !== context['environment']) {
            throw new KmsError('foreign', 'InvalidCiphertextException')
          }
          return hostBytes(encryptForRecipient(known.dek, identity.recipient.publicKey))
        },
      },
    },
  }
  return fake
}
