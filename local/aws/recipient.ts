import { constants, createCipheriv, createHash, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'

/** How the ciphertext is written: KMS has been seen to use all three. */
export type RecipientForm = 'one-chunk' | 'chunks' | 'primitive'

const CHUNK_BYTES = 1000
const INTEGER_2 = Buffer.from('020102', 'hex')
const ENVELOPED_DATA = Buffer.from('06092a864886f70d010703', 'hex')
const DATA = Buffer.from('06092a864886f70d010701', 'hex')
const AES_256_CBC = Buffer.from('060960864801650304012a', 'hex')
const RSAES_OAEP = Buffer.from('06092a864886f70d010107', 'hex')
const MGF1 = Buffer.from('06092a864886f70d010108', 'hex')
const SHA_256 = Buffer.from('300d06096086480165030402010500', 'hex')
const END_OF_CONTENTS = Buffer.alloc(2)

/** KMS's answer for the holder of an attested RSA key: CMS EnvelopedData as BER, laid out as KMS lays it out. */
export function encryptForRecipient(
  plaintext: Uint8Array,
  publicKeySpkiDer: Uint8Array,
  form: RecipientForm = 'one-chunk',
): Uint8Array {
  const [contentKey, iv] = [randomBytes(32), randomBytes(16)]
  const cipher = createCipheriv('aes-256-cbc', contentKey, iv)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const content = indefinite(0x30, DATA, definite(0x30, AES_256_CBC, definite(0x04, iv)), encrypted(ciphertext, form))
  const recipients = definite(0x31, recipient(contentKey, publicKeySpkiDer))
  return indefinite(0x30, ENVELOPED_DATA, indefinite(0xa0, indefinite(0x30, INTEGER_2, recipients, content)))
}

function recipient(contentKey: Uint8Array, spki: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  const encryptedKey = publicEncrypt({ key, padding, oaepHash: 'sha256' }, contentKey)
  const parameters = definite(0x30, definite(0xa0, SHA_256), definite(0xa1, definite(0x30, MGF1, SHA_256)))
  const keyId = createHash('sha256').update(spki).digest()
  const algorithm = definite(0x30, RSAES_OAEP, parameters)
  return definite(0x30, INTEGER_2, definite(0x80, keyId), algorithm, definite(0x04, encryptedKey))
}

function encrypted(ciphertext: Buffer, form: RecipientForm): Buffer {
  if (form === 'primitive') return definite(0x80, ciphertext)
  const size = form === 'chunks' ? CHUNK_BYTES : ciphertext.length
  const count = Math.ceil(ciphertext.length / size)
  const chunks = Array.from({ length: count }, (_, i) => definite(0x04, ciphertext.subarray(i * size, (i + 1) * size)))
  return indefinite(0xa0, ...chunks)
}

function definite(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.of(tag, ...head), content])
}

const indefinite = (tag: number, ...contents: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Uint8Array.of(tag, 0x80), ...contents, END_OF_CONTENTS])
