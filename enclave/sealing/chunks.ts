import { ARRAY, head, Writer } from './cbor.ts'
import { malformed } from './error.ts'
import { NONCE_BYTES, TAG_BYTES, decrypt, encrypt, type Bytes } from './gcm-siv.ts'
import type { Secret } from './types.ts'

const CHUNK_BYTES = 1024 * 1024
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
/** Far above any Terraform state; keeps a hostile store from filling the enclave's memory. */
export const MAX_PLAINTEXT_BYTES = 256 * CHUNK_BYTES

/** A chunk's place, its external_aad: the index in 32 bits, then 1 for the last chunk and 0 for others. */
const PLACE_BYTES = 5
const NO_PLACE = new Uint8Array(PLACE_BYTES)
const THREE = head(ARRAY, 3)
/** What stands around the header in an Enc_structure: three heads, a word and the place. */
const MAX_FRAME_BYTES = 32

const chunksOf = (plaintextLength: number): number => Math.max(1, Math.ceil(plaintextLength / CHUNK_BYTES))
export const sealedLength = (length: number): number => length + chunksOf(length) * TAG_BYTES

/** What the chunks of one object share. */
export interface Binding {
  readonly key: Secret
  readonly nonce: Uint8Array
  /** The protected header, as encoded. */
  readonly header: Uint8Array
}

/**
 * Writes the ciphertext into `out`: chunks, all full but the last, each with its tag behind it. Every chunk
 * authenticates the object's header and its own place (the STREAM construction), so that none can be dropped, added,
 * moved or put into another object.
 */
export function sealChunks(binding: Binding, plaintext: Uint8Array, out: Uint8Array): void {
  const place = placesIn(binding)
  const last = chunksOf(plaintext.length) - 1
  for (let index = 0; index <= last; index++) {
    const chunk = last === 0 ? plaintext : plaintext.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
    const { nonce, aad } = place(index, index === last)
    const { ciphertext, tag } = encrypt(binding.key, nonce, aad, chunk)
    out.set(ciphertext, index * SEALED_CHUNK_BYTES)
    out.set(tag, index * SEALED_CHUNK_BYTES + ciphertext.length)
    release(ciphertext)
  }
}

/** Gives nothing out before the last chunk has proved itself too. */
export function openChunks(binding: Binding, sealed: Uint8Array): Uint8Array {
  const place = placesIn(binding)
  const last = Math.max(1, Math.ceil(sealed.length / SEALED_CHUNK_BYTES)) - 1
  if (sealed.length - last * SEALED_CHUNK_BYTES < TAG_BYTES) throw malformed()
  const openAt = (index: number): Bytes => {
    const start = index * SEALED_CHUNK_BYTES
    const end = Math.min(start + SEALED_CHUNK_BYTES, sealed.length) - TAG_BYTES
    const { nonce, aad } = place(index, index === last)
    const tag = sealed.subarray(end, end + TAG_BYTES)
    return decrypt(binding.key, nonce, aad, { ciphertext: sealed.subarray(start, end), tag })
  }
  if (last === 0) return openAt(0)
  const plaintext = Buffer.allocUnsafeSlow(sealed.length - (last + 1) * TAG_BYTES)
  for (let index = 0; index <= last; index++) {
    const chunk = openAt(index)
    plaintext.set(chunk, index * CHUNK_BYTES)
    release(chunk)
  }
  return plaintext
}

/**
 * Gives a chunk's memory back now that it is copied. Left to the collector, which hardly notices memory outside its
 * heap, an object's chunks would lie beside the whole of it: twice the enclave's memory for a large state.
 */
function release({ buffer }: Bytes): void {
  buffer.transfer(0)
}

/** The nonce and the AAD of each chunk, in two buffers that the next call writes anew. */
function placesIn({ nonce: base, header }: Binding): (index: number, last: boolean) => { nonce: Buffer; aad: Buffer } {
  const nonce = Buffer.from(base)
  const counter = nonce.readUInt32BE(NONCE_BYTES - 4)
  const aad = encStructure(header)
  const place = aad.length - PLACE_BYTES
  return (index, last) => {
    nonce.writeUInt32BE((counter ^ index) >>> 0, NONCE_BYTES - 4) // no two chunks of an object share a nonce
    aad.writeUInt32BE(index, place)
    aad.writeUInt8(last ? 1 : 0, place + 4)
    return { nonce, aad }
  }
}

/** RFC 9052 section 5.3: what a chunk authenticates; its place, still empty, comes last. */
function encStructure(header: Uint8Array): Buffer {
  const out = new Writer(MAX_FRAME_BYTES + header.length)
  out.literal(THREE)
  out.text('Encrypt0')
  out.bytes(header)
  out.bytes(NO_PLACE)
  return out.done()
}
