import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { AwsError } from './protocol.ts'

export type EncryptionContext = Readonly<Record<string, string>>

/** A symmetric KMS key. Its material has no way out. */
export interface Key {
  readonly id: string
  encrypt(plaintext: Uint8Array, context: EncryptionContext): Uint8Array
  /** Throws InvalidCiphertextException unless this very key made it under this very context. */
  decrypt(ciphertext: Uint8Array, context: EncryptionContext): Uint8Array
}

// A ciphertext: version, key id, nonce, AES-256-GCM ciphertext, tag. Its head is authenticated with the context.
const VERSION = 1
const ID_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + ID_BYTES
const MIN_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES

/** New key material under the id, a UUID. */
export function createKey(id: string): Key {
  const material = createSecretKey(randomBytes(32))
  const head = Buffer.concat([Buffer.of(VERSION), Buffer.from(id.replaceAll('-', ''), 'hex')])
  return {
    id,
    encrypt(plaintext, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', material, nonce).setAAD(authenticated(head, context))
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
      return Buffer.concat([head, nonce, sealed, cipher.getAuthTag()])
    },
    decrypt(ciphertext, context) {
      if (keyIdOf(ciphertext) !== id) throw invalidCiphertext()
      const nonce = ciphertext.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(authenticated(head, context)).setAuthTag(ciphertext.subarray(-TAG_BYTES))
      const opened = decipher.update(ciphertext.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES))
      try {
        return Buffer.concat([opened, decipher.final()])
      } catch {
        throw invalidCiphertext()
      }
    },
  }
}

/** The key that a ciphertext says it was made with. */
export function keyIdOf(ciphertext: Uint8Array): string {
  if (ciphertext.length < MIN_BYTES || ciphertext[0] !== VERSION) throw invalidCiphertext()
  return uuid(ciphertext.subarray(1, HEAD_BYTES))
}

/** KMS does not say what is wrong, so neither does this: tampered, foreign and wrong context look the same. */
export const invalidCiphertext = (): AwsError =>
  new AwsError('InvalidCiphertextException', 'the ciphertext is not one of this key under this encryption context')

/** The context has no order: KMS takes its pairs sorted. */
const authenticated = (head: Uint8Array, context: EncryptionContext): Uint8Array =>
  Buffer.concat([head, Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))))])

const uuid = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
