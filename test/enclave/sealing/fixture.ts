import { decode, Tag } from 'cbor-x'
import { BYTES, head } from '../../../enclave/sealing/cbor.ts'
import { seal } from '../../../enclave/sealing/envelope.ts'
import { SealingError, type SealingCode } from '../../../enclave/sealing/error.ts'
import type { Header } from '../../../enclave/sealing/header.ts'
import { createRing, type Ring } from '../../../enclave/sealing/ring.ts'
import { Secret, type Sealed } from '../../../enclave/sealing/types.ts'

export const CHUNK = 1024 * 1024
const TAG_LENGTH = 16

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')
export const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')
export const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)

export const wrappedKey = (name: string): Uint8Array => ascii(`wrapped ${name}`)

/** A ring with one key for each byte, named by it; it seals with the last. */
export function ringOf(...keys: readonly number[]): Ring {
  const ring = createRing()
  for (const key of keys) ring.sealWith(ring.add(wrappedKey(String(key)), new Secret(fill(32, key))))
  return ring
}

export const header = {
  environment: 'production',
  purpose: 'alert',
  stream: 'alerts/111122223333',
  sequence: 7,
  predecessor: fill(32, 0xaa),
  time: 1_800_000_000_000,
} as const satisfies Header

export const nonce = fill(12, 9)
export const sealed = (ring: Ring, change: Partial<Header>, plaintext: Uint8Array): Sealed<unknown> =>
  seal(ring, { ...header, ...change }, nonce, plaintext)

/** The parts of an object, read by another CBOR decoder than ours. */
export function dissect(object: Uint8Array): { protectedHeader: Uint8Array; chunks: Uint8Array[] } {
  const message: unknown = decode(object)
  if (!(message instanceof Tag) || message.tag !== 16) throw new TypeError('no COSE_Encrypt0')
  const [protectedHeader, unprotected, ciphertext] = message.value as [Uint8Array, object, Uint8Array]
  if (Object.keys(unprotected).length > 0) throw new TypeError('something is unprotected')
  const chunks: Uint8Array[] = []
  for (let at = 0; at < ciphertext.length; at += CHUNK + TAG_LENGTH) {
    chunks.push(ciphertext.subarray(at, at + CHUNK + TAG_LENGTH))
  }
  return { protectedHeader, chunks }
}

/** A well-formed object of parts that an attacker chose. */
export function assemble(protectedHeader: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array {
  const ciphertext = Buffer.concat(chunks)
  const lengths = [head(BYTES, protectedHeader.length), head(BYTES, ciphertext.length)] as const
  return Buffer.concat([hex('d083'), lengths[0], protectedHeader, hex('a0'), lengths[1], ciphertext])
}

/** The code that `run` fails with; any error but our own passes through. */
export function codeOf(run: () => unknown): SealingCode | 'no error' {
  try {
    run()
    return 'no error'
  } catch (error) {
    if (error instanceof SealingError) return error.code
    throw error
  }
}
