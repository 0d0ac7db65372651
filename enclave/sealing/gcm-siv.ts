import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from 'node:crypto'
import { SealingError } from './error.ts'
import type { Secret } from './types.ts'

/**
 * AES-256-GCM-SIV (RFC 8452). A repeated nonce shows no more than that two plaintexts are equal, so that random nonces
 * will do and no counter has to survive a restart in the hands of the host.
 */
const CIPHER = 'aes-256-gcm-siv'

export const NONCE_BYTES = 12
export const TAG_BYTES = 16

/** What the cipher gives out: memory of its own, all of it. */
export type Bytes = Uint8Array<ArrayBuffer>

export interface Encrypted<Text extends Uint8Array = Uint8Array> {
  readonly ciphertext: Text
  readonly tag: Uint8Array
}

export function encrypt(key: Secret, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Encrypted<Bytes> {
  // Cast: @types/node does not list the mode; it has GCM's interface, but takes its text in a single update.
  const cipher = key.use((bytes) => createCipheriv(CIPHER, bytes, nonce)) as CipherGCM
  cipher.setAAD(aad)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return { ciphertext, tag: cipher.getAuthTag() }
}

export function decrypt(key: Secret, nonce: Uint8Array, aad: Uint8Array, { ciphertext, tag }: Encrypted): Bytes {
  const decipher = key.use((bytes) => createDecipheriv(CIPHER, bytes, nonce)) as DecipherGCM
  decipher.setAAD(aad)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    throw new SealingError(
      'tampered',
      'the object does not open with the key it names: it was altered since it was sealed',
    )
  }
  return plaintext
}
