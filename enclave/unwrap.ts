import { openRecipient } from './attestation/recipient.ts'
import type { Config } from './config.ts'
import type { Identity } from './identity.ts'
import type { HostBytes, Kms, Nsm, Secrets } from './ports.ts'
import { Secret, type Wrapped } from './sealing/types.ts'

export class UnwrapError extends Error {
  readonly code = 'ERR_UNWRAP'
}

/** What is wrapped for which purpose, in bytes. The answer's CBC carries no authentication, so its length is checked. */
const LENGTHS = {
  dek: { least: 32, most: 32 },
  webhook: { least: 32, most: 32 },
  /** PKCS#8 of a P-256 key: 67 bytes for the private key alone, 138 with the public one, 150 with all that is optional. */
  identity: { least: 67, most: 150 },
} as const

export interface Unwrapped {
  readonly wrapped: Wrapped
  readonly key: Secret
}

/** What it takes to unwrap a key. */
export interface Unwrapping {
  readonly secrets: Secrets
  readonly kms: Kms
  readonly nsm: Nsm
  readonly config: Config
  readonly identity: Identity
}

/** The wrapped key that a secret holds now, unwrapped. */
export async function unwrap(
  unwrapping: Unwrapping,
  secretId: string,
  purpose: keyof typeof LENGTHS,
): Promise<Unwrapped> {
  const { wrapped } = await fetchCurrent(unwrapping.secrets, secretId)
  return openWrapped(unwrapping, wrapped, purpose, secretId)
}

export async function fetchCurrent(
  secrets: Secrets,
  secretId: string,
): Promise<{ version: string; wrapped: HostBytes }> {
  const current = await secrets.fetch(secretId, 'AWSCURRENT')
  if (current !== undefined) return current
  throw new UnwrapError(`Secrets Manager gave no AWSCURRENT of ${secretId}: is the key provisioned, in this region?`)
}

/**
 * Has KMS decrypt a wrapped key for this enclave alone. Each call brings a fresh attestation document, and the purpose
 * is part of the encryption context: a webhook's key can never be passed off as the data key. `source` is for the
 * error's message: where the wrapped key was found.
 */
export async function openWrapped(
  { kms, nsm, config, identity }: Unwrapping,
  wrapped: HostBytes,
  purpose: keyof typeof LENGTHS,
  source: string,
): Promise<Unwrapped> {
  const forRecipient = await kms.decryptForRecipient({
    keyId: config.kms_key,
    context: { service: 'driftseal', environment: config.environment, purpose },
    ciphertext: wrapped,
    attestation: await nsm.attest({ publicKey: identity.recipient.publicKey }),
  })
  const key = openRecipient(forRecipient, identity.recipient.privateKey)
  const { least, most } = LENGTHS[purpose]
  if (key.length < least || key.length > most) {
    key.fill(0)
    throw new UnwrapError(`${source} does not hold a key for the purpose ${purpose}: its length is another`)
  }
  return { wrapped: wrapped as Uint8Array as Wrapped, key: new Secret(key) } // the mint: KMS has just opened it
}
