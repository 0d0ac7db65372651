import type { Fail } from './error.ts'

/**
 * A reader of the part of BER (X.690) that KMS and certificates use. node-forge's reader takes lengths in any form, tags
 * of any size and whatever follows; this one takes one-byte tags, lengths in their shortest form and nothing more.
 */
export interface Element {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number
  /** The whole element as it was received. */
  readonly encoding: Uint8Array
  /** What a primitive holds; empty when constructed. */
  readonly content: Uint8Array
  /** What a constructed element holds; empty when primitive. */
  readonly children: readonly Element[]
}

/** The identifier octets that both formats share. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  sequence: 0x30,
  set: 0x31,
} as const

/** KMS nests ten deep, certificates seven. */
const MAX_DEPTH = 16
const CONSTRUCTED = 0x20
const LONG_TAG = 0x1f
const INDEFINITE = 0x80
/** 65,535 bytes: more than anything that is read here. */
const MAX_LENGTH_BYTES = 2
const NOTHING = new Uint8Array(0)

/** Reads one element that fills `bytes` exactly. */
export function readBer(bytes: Uint8Array, fail: Fail): Element {
  let at = 0
  const outermost = element(bytes.length, 0)
  if (at !== bytes.length) fail(`${bytes.length - at} bytes follow the element`)
  return outermost

  function element(end: number, depth: number): Element {
    if (depth > MAX_DEPTH) fail(`nested deeper than ${MAX_DEPTH}`)
    const from = at
    const tag = octet(end)
    if (tag === 0 || (tag & LONG_TAG) === LONG_TAG) fail('a tag that does not belong here')
    const constructed = (tag & CONSTRUCTED) !== 0
    const length = lengthOf(end)
    if (length === undefined && !constructed) fail('a primitive of indefinite length')
    if (length !== undefined && length > end - at) fail('an element longer than what holds it')
    const start = at
    if (!constructed) at += length ?? 0
    const children = constructed ? elements(length === undefined ? undefined : start + length, end, depth + 1) : []
    const content = constructed ? NOTHING : bytes.subarray(start, at)
    return { tag, encoding: bytes.subarray(from, at), content, children }
  }

  function elements(stop: number | undefined, end: number, depth: number): Element[] {
    const found: Element[] = []
    while (!ended(stop, end)) found.push(element(stop ?? end, depth))
    return found
  }

  /** Whether the enclosing element ends here: at its length, or at end-of-contents octets, which are then taken. */
  function ended(stop: number | undefined, end: number): boolean {
    if (stop !== undefined) return at === stop
    if (at + 2 > end || bytes[at] !== 0 || bytes[at + 1] !== 0) return false
    at += 2
    return true
  }

  function lengthOf(end: number): number | undefined {
    const first = octet(end)
    if (first < INDEFINITE) return first
    if (first === INDEFINITE) return undefined
    const size = first - INDEFINITE
    if (size > MAX_LENGTH_BYTES) fail('a length over 65,535')
    let length = 0
    for (let i = 0; i < size; i++) length = length * 256 + octet(end)
    if (length < (size === 1 ? 0x80 : 0x100)) fail('a length not in its shortest form')
    return length
  }

  function octet(end: number): number {
    const value = at < end ? bytes[at] : undefined
    at += 1
    return value ?? fail('the bytes end within an element')
  }
}
