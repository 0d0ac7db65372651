import { ARRAY, BYTES, MAP, TAG, head, Reader, Writer } from './cbor.ts'
import { MAX_PLAINTEXT_BYTES, openChunks, sealChunks, sealedLength } from './chunks.ts'
import { SealingError, type SealingCode } from './error.ts'
import { TAG_BYTES } from './gcm-siv.ts'
import { MAX_HEADER_BYTES, encodeHeader, parseHeader, type Header, type Stream } from './header.ts'
import type { KeyId, Ring } from './ring.ts'
import type { Sealed } from './types.ts'

/*
 * An object is a COSE_Encrypt0 (RFC 9052 section 5.2): 16([protected header, {}, ciphertext]), nothing unprotected.
 */
const MESSAGE = Buffer.concat([head(TAG, 16), head(ARRAY, 3)])
const UNPROTECTED = head(MAP, 0)
/** What stands around the protected header: four heads and the empty map. */
const MAX_FRAME_BYTES = 16

/** Where the object that is asked for stands; what is left out is not compared. */
export interface Expected extends Stream {
  readonly sequence?: number
  readonly predecessor?: Uint8Array
}

export interface Opened {
  readonly keyId: KeyId
  readonly header: Header
  readonly plaintext: Uint8Array
}

/** Seals with the ring's current key. `nonce`: 12 random bytes, new for each object. */
export function seal<T>(ring: Ring, header: Header, nonce: Uint8Array, plaintext: Uint8Array): Sealed<T> {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new SealingError(
      'bad-input',
      `an object holds at most ${MAX_PLAINTEXT_BYTES} bytes: split what is to be sealed`,
    )
  }
  const { id, secret } = ring.current(header.purpose)
  const encoded = encodeHeader({ keyId: id, nonce, header })
  const length = sealedLength(plaintext.length)
  const front = encodeFront(encoded, length)
  // "Slow" is memory of its own: a slice of Node's pool would carry other buffers' plaintext behind its `buffer`.
  const object = Buffer.allocUnsafeSlow(front.length + length)
  object.set(front)
  sealChunks({ key: secret, nonce, header: encoded }, plaintext, object.subarray(front.length))
  return object as Uint8Array as Sealed<T> // the mint: every byte behind the header is ciphertext now
}

/** Opens what a store gave for the object expected. Whatever else it gave is a SealingError. */
export function open(ring: Ring, expected: Expected, object: Uint8Array): Opened {
  const { encoded, ciphertext } = parseMessage(object)
  const { keyId, nonce, header } = parseHeader(encoded)
  // The subkey is that of the purpose which was asked for, never of the one that the object claims.
  if (header.purpose !== expected.purpose) throw misplaced('wrong-purpose')
  const key = ring.find(keyId, expected.purpose)
  if (key === undefined) {
    throw new SealingError('unknown-key', `key ${keyId} is not in the ring: unwrap the data key kept with the object`)
  }
  const plaintext = openChunks({ key: key.secret, nonce, header: encoded }, ciphertext)
  // Compared last, when the header is known to be the sealer's word: a difference is a genuine object that was moved.
  if (header.environment !== expected.environment) throw misplaced('wrong-environment')
  if (header.stream !== expected.stream) throw misplaced('wrong-stream')
  if (header.sequence !== (expected.sequence ?? header.sequence)) throw misplaced('wrong-sequence')
  if (Buffer.compare(header.predecessor, expected.predecessor ?? header.predecessor) !== 0) {
    throw misplaced('wrong-predecessor')
  }
  return { keyId, header, plaintext }
}

/** The key that an object says it was sealed with: its word alone, until it opens. */
export const sealedWith = (object: Uint8Array): KeyId => parseHeader(parseMessage(object).encoded).keyId

function encodeFront(encoded: Uint8Array, ciphertextLength: number): Uint8Array {
  const out = new Writer(MAX_FRAME_BYTES + encoded.length)
  out.literal(MESSAGE)
  out.bytes(encoded)
  out.literal(UNPROTECTED)
  out.head(BYTES, ciphertextLength)
  return out.done()
}

function parseMessage(object: Uint8Array): { encoded: Uint8Array; ciphertext: Uint8Array } {
  const input = new Reader(object)
  input.literal(MESSAGE)
  const encoded = input.bytes(0, MAX_HEADER_BYTES)
  input.literal(UNPROTECTED)
  const ciphertext = input.bytes(TAG_BYTES, sealedLength(MAX_PLAINTEXT_BYTES))
  input.end()
  return { encoded, ciphertext }
}

const misplaced = (code: Extract<SealingCode, `wrong-${string}`>): SealingError =>
  new SealingError(code, `${code}: the store gave an object under a name not its own; look for a swap or a rollback`)
