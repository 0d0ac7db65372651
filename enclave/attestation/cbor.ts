import type { Fail } from './error.ts'

/**
 * A strict reader of the CBOR that attestation uses (RFC 8949). cbor-x, which the project encodes with, cannot be made
 * strict: it keeps the last of two equal keys, reads `1` and `"1"` as one key, replaces broken UTF-8, runs tag handlers.
 * Here every item has one meaning: no duplicate keys, shortest-form heads, valid UTF-8, nothing left over, and none of
 * what documents never hold (floats, undefined, strings in chunks).
 */
export type Cbor = number | bigint | string | boolean | null | Uint8Array | readonly Cbor[] | CborMap | Tagged
export type CborMap = ReadonlyMap<number | bigint | string, Cbor>
export interface Tagged {
  readonly tag: number | bigint
  readonly value: Cbor
}

/** A document nests three deep; what a future one adds may go some further. */
const MAX_DEPTH = 8
const INDEFINITE = 31
const BREAK = 0xff
/** The least argument that needs 1, 2, 4 or 8 bytes: a smaller one has a shorter form. */
const LEAST = [24, 0x100, 0x1_0000, 0x1_0000_0000] as const

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads one item that fills `bytes` exactly. `lengths` says whether arrays and maps may end with a break instead. */
export function decodeCbor(bytes: Uint8Array, lengths: 'definite' | 'either', fail: Fail): Cbor {
  let at = 0
  const decoded = item(0)
  if (at !== bytes.length) fail(`${bytes.length - at} bytes follow the item`)
  return decoded

  function item(depth: number): Cbor {
    if (depth > MAX_DEPTH) fail(`nested deeper than ${MAX_DEPTH}`)
    const head = bytes[advance(1)] ?? 0
    const info = head & 0x1f
    switch (head >> 5) {
      case 0:
        return argument(info)
      case 1: {
        const value = argument(info)
        return typeof value === 'number' ? -1 - value : -1n - value
      }
      case 2:
        return string(info)
      case 3:
        return text(string(info))
      case 4:
        return array(count(info), depth + 1)
      case 5:
        return map(count(info), depth + 1)
      case 6:
        return { tag: argument(info), value: item(depth + 1) }
    }
    if (info === 20 || info === 21) return info === 21
    if (info === 22) return null
    return fail('a float, undefined or another simple value')
  }

  function argument(info: number): number | bigint {
    if (info < 24) return info
    if (info > 27) fail('a reserved or indefinite length where none may be')
    const size = 1 << (info - 24)
    const from = advance(size)
    let value = 0n
    for (const byte of bytes.subarray(from, at)) value = (value << 8n) | BigInt(byte)
    if (value < (LEAST[info - 24] ?? 0)) fail('a number not in its shortest form')
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  }

  function string(info: number): Uint8Array {
    const from = advance(Number(argument(info)))
    return bytes.subarray(from, at)
  }

  function text(encoded: Uint8Array): string {
    try {
      return utf8.decode(encoded)
    } catch {
      return fail('a text string that is not UTF-8')
    }
  }

  function count(info: number): number | bigint | undefined {
    return info === INDEFINITE && lengths === 'either' ? undefined : argument(info)
  }

  function ends(expected: number | bigint | undefined, read: number): boolean {
    if (expected !== undefined) return read >= expected
    if (bytes[at] !== BREAK) return false
    at += 1
    return true
  }

  function array(expected: number | bigint | undefined, depth: number): Cbor[] {
    const items: Cbor[] = []
    while (!ends(expected, items.length)) items.push(item(depth))
    return items
  }

  function map(expected: number | bigint | undefined, depth: number): CborMap {
    const entries = new Map<number | bigint | string, Cbor>()
    while (!ends(expected, entries.size)) {
      const key = item(depth)
      if (typeof key !== 'number' && typeof key !== 'bigint' && typeof key !== 'string')
        return fail('a map key that is neither integer nor text')
      if (entries.has(key)) fail('a map with the same key twice')
      entries.set(key, item(depth))
    }
    return entries
  }

  function advance(length: number): number {
    if (length > bytes.length - at) fail('the bytes end within an item')
    at += length
    return at - length
  }
}
