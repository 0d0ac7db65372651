import { malformed } from './error.ts'

/*
 * The few CBOR items that an envelope is made of, each in its one deterministic encoding (RFC 8949 section 4.2.1).
 * A general codec does not serve here: cbor-x accepts long heads and repeated keys, and writes integers above 2^32 as
 * floats. To this reader each value has one spelling, and it reads nothing else.
 */

const INFO_BITS = 5
const MAX_INFO = 0x1f
/** Additional information up to here is the argument itself; 24 to 27 say that 1, 2, 4 or 8 bytes follow. */
const MAX_INLINE = 23
const MAX_HEAD_BYTES = 9

/** The major types of RFC 8949 section 3.1 that an envelope uses. */
const UINT = 0
const NINT = 1
export const BYTES = 2
const TEXT = 3
export const ARRAY = 4
export const MAP = 5
export const TAG = 6
type Major = typeof UINT | typeof NINT | typeof BYTES | typeof TEXT | typeof ARRAY | typeof MAP | typeof TAG

/** Puts items one behind the other. */
export class Writer {
  readonly #out: Buffer
  #at = 0

  constructor(capacity: number) {
    this.#out = Buffer.allocUnsafe(capacity)
  }

  /** What is encoded already. */
  literal(encoded: Uint8Array): void {
    this.#out.set(encoded, this.#at)
    this.#at += encoded.length
  }

  /** An item's head: its major type and argument, in the shortest form. */
  head(major: Major, argument: number): void {
    const type = major << INFO_BITS
    if (argument <= MAX_INLINE) {
      this.#out[this.#at++] = type | argument
      return
    }
    const power = Number(argument > 0xff) + Number(argument > 0xffff) + Number(argument > 0xffff_ffff)
    this.#out[this.#at++] = type | (MAX_INLINE + 1 + power)
    const first = this.#at
    this.#at += 1 << power
    for (let at = this.#at - 1, rest = argument; at >= first; at--, rest = Math.floor(rest / 256)) {
      this.#out[at] = rest & 0xff
    }
  }

  uint(value: number): void {
    this.head(UINT, value)
  }

  bytes(value: Uint8Array): void {
    this.head(BYTES, value.length)
    this.literal(value)
  }

  /** ASCII only: the caller has checked. */
  text(value: string): void {
    this.head(TEXT, value.length)
    for (let index = 0; index < value.length; index++) this.#out[this.#at++] = value.charCodeAt(index)
  }

  done(): Buffer {
    return this.#out.subarray(0, this.#at)
  }
}

/** A head alone: how an array, a map, a tag or a long string begins. */
export function head(major: Major, argument: number): Buffer {
  const out = new Writer(MAX_HEAD_BYTES)
  out.head(major, argument)
  return out.done()
}

export const int = (value: number): Buffer => (value < 0 ? head(NINT, -1 - value) : head(UINT, value))

/** Takes items off the front of an input, each of a kind that the caller names. */
export class Reader {
  readonly #input: Buffer
  #at = 0

  constructor(input: Uint8Array) {
    this.#input = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  }

  /** Exactly these bytes. */
  literal(expected: Uint8Array): void {
    const start = this.#take(expected.length)
    for (let index = 0; index < expected.length; index++) {
      if (this.#input[start + index] !== expected[index]) throw malformed()
    }
  }

  uint(): number {
    return this.#argument(UINT)
  }

  /** A byte string of `least` to `most` bytes: a view, not a copy. */
  bytes(least: number, most: number): Buffer {
    const start = this.#string(BYTES, least, most)
    return this.#input.subarray(start, this.#at)
  }

  /** A text string of at most `most` bytes, each a character: what is not ASCII comes out above U+007F. */
  text(most: number): string {
    const start = this.#string(TEXT, 0, most)
    return this.#input.toString('latin1', start, this.#at)
  }

  /** Nothing follows. */
  end(): void {
    if (this.#at !== this.#input.length) throw malformed()
  }

  /** Where the next `length` bytes begin. */
  #take(length: number): number {
    const start = this.#at
    if (length > this.#input.length - start) throw malformed()
    this.#at = start + length
    return start
  }

  #string(major: typeof BYTES | typeof TEXT, least: number, most: number): number {
    const length = this.#argument(major)
    if (length < least || length > most) throw malformed()
    return this.#take(length)
  }

  #argument(major: Major): number {
    const initial = this.#input.readUInt8(this.#take(1))
    const info = initial & MAX_INFO
    if (initial >> INFO_BITS !== major || info > MAX_INLINE + 4) throw malformed() // above: reserved or indefinite
    if (info <= MAX_INLINE) return info
    const width = 1 << (info - MAX_INLINE - 1)
    const start = this.#take(width)
    let value = 0
    for (let at = start; at < this.#at; at++) value = value * 256 + this.#input.readUInt8(at)
    const least = width === 1 ? MAX_INLINE + 1 : 2 ** (width * 4)
    if (value < least || value > Number.MAX_SAFE_INTEGER) throw malformed()
    return value
  }
}
