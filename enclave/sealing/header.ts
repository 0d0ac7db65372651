import { MAP, head, int, Reader, Writer } from './cbor.ts'
import { SealingError, malformed } from './error.ts'
import { NONCE_BYTES } from './gcm-siv.ts'
import { KEY_ID_BYTES, SEALED_PURPOSES, type KeyId, type SealedPurpose } from './ring.ts'

export const DIGEST_BYTES = 32
const MAX_NAME_BYTES = 128
/** Above the longest header that `encodeHeader` writes. */
export const MAX_HEADER_BYTES = 512
/** Names of environments and streams: visible ASCII, so that two which look the same are the same. */
const NAME = /^[!-~]+$/

/** A series of objects. */
export interface Stream {
  readonly environment: string
  readonly purpose: SealedPurpose
  readonly stream: string
}

/** What is written on an object: readable by all, authenticated with its content. */
export interface Header extends Stream {
  readonly sequence: number
  /** SHA-256 of the sealed object before this one in the stream. */
  readonly predecessor: Uint8Array
  /** Milliseconds since 1970. */
  readonly time: number
}

/** The protected header as a whole: what the caller says, and with what it is sealed. */
export interface ProtectedHeader {
  readonly keyId: KeyId
  readonly nonce: Uint8Array
  readonly header: Header
}

/**
 * Stands for this whole format, version 1: AES-256-GCM-SIV over chunks, with every label below present and understood.
 * Algorithm and labels are of RFC 9052's private-use range, below -65536; the order is that of RFC 8949 section 4.2.1.
 */
const ALGORITHM = int(-65_537)
const LABEL = {
  keyId: int(4),
  nonce: int(5),
  environment: int(-65_537),
  purpose: int(-65_538),
  stream: int(-65_539),
  sequence: int(-65_540),
  predecessor: int(-65_541),
  time: int(-65_542),
}
const START = Buffer.concat([head(MAP, 9), int(1), ALGORITHM])

export function encodeHeader({ keyId, nonce, header }: ProtectedHeader): Uint8Array {
  if (!isSound(header) || nonce.length !== NONCE_BYTES) {
    throw new SealingError('bad-input', 'a header that no one could open: check its names, numbers, digest and nonce')
  }
  const out = new Writer(MAX_HEADER_BYTES)
  out.literal(START)
  out.literal(LABEL.keyId)
  out.bytes(Buffer.from(keyId, 'hex'))
  out.literal(LABEL.nonce)
  out.bytes(nonce)
  out.literal(LABEL.environment)
  out.text(header.environment)
  out.literal(LABEL.purpose)
  out.text(header.purpose)
  out.literal(LABEL.stream)
  out.text(header.stream)
  out.literal(LABEL.sequence)
  out.uint(header.sequence)
  out.literal(LABEL.predecessor)
  out.bytes(header.predecessor)
  out.literal(LABEL.time)
  out.uint(header.time)
  return out.done()
}

export function parseHeader(encoded: Uint8Array): ProtectedHeader {
  const input = new Reader(encoded)
  input.literal(START)
  input.literal(LABEL.keyId)
  const keyId = input.bytes(KEY_ID_BYTES, KEY_ID_BYTES).toString('hex')
  input.literal(LABEL.nonce)
  const nonce = input.bytes(NONCE_BYTES, NONCE_BYTES)
  input.literal(LABEL.environment)
  const environment = input.text(MAX_NAME_BYTES)
  input.literal(LABEL.purpose)
  const purpose = parsePurpose(input.text(MAX_NAME_BYTES))
  input.literal(LABEL.stream)
  const stream = input.text(MAX_NAME_BYTES)
  input.literal(LABEL.sequence)
  const sequence = input.uint()
  input.literal(LABEL.predecessor)
  const predecessor = input.bytes(DIGEST_BYTES, DIGEST_BYTES)
  input.literal(LABEL.time)
  const time = input.uint()
  input.end()
  const header = { environment, purpose, stream, sequence, predecessor, time }
  if (!isSound(header)) throw malformed()
  return { keyId, nonce, header }
}

function parsePurpose(name: string): SealedPurpose {
  const purpose = SEALED_PURPOSES.find((known) => known === name)
  if (purpose === undefined) throw malformed()
  return purpose
}

const isSound = ({ environment, stream, sequence, predecessor, time }: Header): boolean =>
  isName(environment) && isName(stream) && isCount(sequence) && isCount(time) && predecessor.length === DIGEST_BYTES

const isName = (name: string): boolean => name.length <= MAX_NAME_BYTES && NAME.test(name)
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
