import { openRecipient } from './attestation/recipient.ts'
import type { Config } from './config.ts'
import type { Identity } from './identity.ts'
import type { Kms, Nsm, Secrets } from './ports.ts'
import { Secret } from './sealing/types.ts'

export class UnwrapError extends Error {
  readonly code = 'ERR_UNWRAP'
}

const KEY_BYTES = 32

export interface Unwrapped {
  /** The KMS ciphertext: it names the key, and may be stored anywhere. */
  readonly wrapped: Uint8Array
  readonly key: Secret
}

/**
 * Fetches a wrapped key and has KMS decrypt it for this enclave alone. Each call brings a fresh attestation document,
 * and the purpose is part of the encryption context: a webhook's key can never be passed off as the data key.
 */
export async function unwrap(
  parts: { secrets: Secrets; kms: Kms; nsm: Nsm; config: Config; identity: Identity },
  secretId: string,
  purpose: 'dek' | 'webhook',
): Promise<Unwrapped> {
  const { secrets, kms, nsm, config, identity } = parts
  const { wrapped } = await secrets.fetch(secretId, 'AWSCURRENT')
  const forRecipient = await kms.decryptForRecipient({
    keyId: config.kms_key,
    context: { service: 'driftseal', environment: config.environment, purpose },
    ciphertext: wrapped,
    attestation: await nsm.attest({ publicKey: identity.recipient.publicKey }),
  })
  const key = openRecipient(forRecipient, identity.recipient.privateKey)
  if (key.length !== KEY_BYTES) {
    key.fill(0)
    throw new UnwrapError(`${secretId} holds a key of another length than ${KEY_BYTES} bytes`)
  }
  return { wrapped, key: new Secret(key) }
}
