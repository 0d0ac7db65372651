import { constants, createDecipheriv, createHash, createPublicKey, type KeyObject, privateDecrypt } from 'node:crypto'
import { type Enveloped, parseEnveloped } from './enveloped.ts'
import { type RecipientCode, RecipientError } from './error.ts'

export { RecipientError }

const CONTENT_KEY_BYTES = 32

/**
 * Opens what KMS encrypted to the key of an attestation document: CMS EnvelopedData (RFC 5652) in BER, one recipient,
 * RSA-OAEP and AES-256-CBC. CBC carries no authentication, so the caller checks that the plaintext is what it asked for.
 */
export function openRecipient(ber: Uint8Array, key: KeyObject): Uint8Array {
  const modulusBits =
    key.type === 'private' && key.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : undefined
  if (modulusBits === undefined) return refuse('key', 'an RSA private key is needed')
  const enveloped = parseEnveloped(ber)
  if (Buffer.compare(enveloped.keyId, subjectKeyId(key)) !== 0) refuse('key-id', 'it is encrypted to another key')
  if (enveloped.encryptedKey.length * 8 !== modulusBits)
    refuse('encrypted-key', 'the encrypted key is not as long as ours')
  return decrypt(enveloped, key) ?? refuse('decrypt', 'it cannot be decrypted')
}

/**
 * Whatever goes wrong ends in the same undefined, after the same steps: a key that does not unwrap is replaced by one
 * that nobody uses, so that neither an answer nor its time tells bad OAEP from bad padding (Bleichenbacher, Vaudenay).
 */
function decrypt({ encryptedKey, iv, ciphertext }: Enveloped, key: KeyObject): Uint8Array | undefined {
  const contentKey = unwrap(encryptedKey, key)
  const decoy = new Uint8Array(CONTENT_KEY_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-cbc', contentKey ?? decoy, iv)
    const [start, end] = [decipher.update(ciphertext), decipher.final()]
    const plaintext = new Uint8Array(start.length + end.length) // not of Buffer's pool: the caller wipes it
    plaintext.set(start)
    plaintext.set(end, start.length)
    start.fill(0)
    end.fill(0)
    return contentKey === undefined ? undefined : plaintext
  } catch {
    return undefined
  } finally {
    contentKey?.fill(0)
  }
}

function unwrap(encryptedKey: Uint8Array, key: KeyObject): Uint8Array | undefined {
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const contentKey = privateDecrypt({ key, padding, oaepHash: 'sha256' }, encryptedKey)
    return contentKey.length === CONTENT_KEY_BYTES ? contentKey : undefined
  } catch {
    return undefined
  }
}

/** KMS names the recipient by the SHA-256 of its DER public key, not by the SHA-1 of RFC 5280. */
function subjectKeyId(key: KeyObject): Uint8Array {
  return createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest()
}

function refuse(code: RecipientCode, why: string): never {
  throw new RecipientError(code, why)
}
