import { type Element, readBer, Tag } from './ber.ts'
import { type RecipientCode, RecipientError } from './error.ts'

/** KMS wraps at most 4 KiB, and adds less than 1 KiB. */
const MAX_BYTES = 16_384
const BLOCK_BYTES = 16

const EXPLICIT_0 = 0xa0
const IMPLICIT_0 = 0x80
// Identifiers and algorithms are compared as the bytes they are, parameters and all (RFC 5652, RFC 4055, RFC 3565).
const VERSION_2 = '020102'
const ENVELOPED_DATA = '06092a864886f70d010703'
const DATA = '06092a864886f70d010701'
const AES_256_CBC = '060960864801650304012a'
const SHA_256 = '300d06096086480165030402010500'
const MGF1_SHA_256 = `301a06092a864886f70d010108${SHA_256}`
/** OAEP with SHA-256 for the hash and for MGF1, and no label. */
const OAEP_SHA_256 = `303c06092a864886f70d010107302fa00f${SHA_256}a11c${MGF1_SHA_256}`

/** What the envelope holds, with nothing decrypted. */
export interface Enveloped {
  /** SHA-256 of the recipient's DER public key. */
  readonly keyId: Uint8Array
  readonly encryptedKey: Uint8Array
  readonly iv: Uint8Array
  readonly ciphertext: Uint8Array
}

/**
 * Reads the one form of CMS EnvelopedData (RFC 5652) that KMS writes, in BER: one recipient, RSA-OAEP, AES-256-CBC. Only
 * the lengths of constructed elements and the division of the ciphertext are free.
 */
export function parseEnveloped(ber: Uint8Array): Enveloped {
  if (ber.length > MAX_BYTES) refuse('size', `it has ${ber.length} bytes; at most ${MAX_BYTES} are read`)
  const contentInfo = readBer(ber, (why) => refuse('ber', `not BER: ${why}`))
  const [contentType, content] = parts(contentInfo, Tag.sequence, 2, 'content-type')
  requireEncoding(contentType, ENVELOPED_DATA, 'content-type')
  const [envelopedData] = parts(content, EXPLICIT_0, 1, 'content-type')
  const [version, recipients, encryptedContent] = parts(envelopedData, Tag.sequence, 3, 'content-type')
  requireEncoding(version, VERSION_2, 'version')
  const [recipient] = parts(recipients, Tag.set, 1, 'recipients')
  return { ...parseRecipient(recipient), ...parseContent(encryptedContent) }
}

/** KeyTransRecipientInfo, which names the key by its identifier (RFC 5652, 6.2.1). */
function parseRecipient(recipient: Element | undefined): Pick<Enveloped, 'keyId' | 'encryptedKey'> {
  const [version, keyId, algorithm, encryptedKey] = parts(recipient, Tag.sequence, 4, 'recipients')
  requireEncoding(version, VERSION_2, 'version')
  requireEncoding(algorithm, OAEP_SHA_256, 'key-algorithm')
  return {
    keyId: primitive(keyId, IMPLICIT_0, 'key-id'),
    encryptedKey: primitive(encryptedKey, Tag.octetString, 'encrypted-key'),
  }
}

function parseContent(info: Element | undefined): Pick<Enveloped, 'iv' | 'ciphertext'> {
  const [type, algorithm, content] = parts(info, Tag.sequence, 3, 'content')
  requireEncoding(type, DATA, 'content')
  const [cipher, parameters] = parts(algorithm, Tag.sequence, 2, 'content-algorithm')
  requireEncoding(cipher, AES_256_CBC, 'content-algorithm')
  const iv = primitive(parameters, Tag.octetString, 'content-algorithm')
  if (iv.length !== BLOCK_BYTES) refuse('content-algorithm', `the IV has ${iv.length} bytes`)
  const ciphertext = joined(content)
  if (ciphertext.length === 0 || ciphertext.length % BLOCK_BYTES !== 0) refuse('content', 'it is not in whole blocks')
  return { iv, ciphertext }
}

/** KMS writes the implicit `[0]` as one primitive, or as an octet string in one or more chunks. */
function joined(content: Element | undefined): Uint8Array {
  if (content?.tag !== EXPLICIT_0) return primitive(content, IMPLICIT_0, 'content')
  return Buffer.concat(content.children.map((chunk) => primitive(chunk, Tag.octetString, 'content')))
}

function parts(element: Element | undefined, tag: number, count: number, code: RecipientCode): readonly Element[] {
  if (element?.tag === tag && element.children.length === count) return element.children
  return refuse(code, `expected an element 0x${tag.toString(16)} with ${count} parts (${code})`)
}

function primitive(element: Element | undefined, tag: number, code: RecipientCode): Uint8Array {
  return element?.tag === tag ? element.content : refuse(code, `expected an element 0x${tag.toString(16)} (${code})`)
}

function requireEncoding(element: Element | undefined, encoding: string, code: RecipientCode): void {
  if (element?.encoding.toHex() !== encoding) refuse(code, `expected ${encoding} (${code})`)
}

function refuse(code: RecipientCode, why: string): never {
  throw new RecipientError(code, why)
}
