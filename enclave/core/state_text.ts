const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, QUOTE, BACKSLASH] = [0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x5c]

/** root { resources [ resource { instances [: what opens inside these four is an instance. */
const INSTANCE_DEPTH = 4

/** Where one instance lies in the bytes of a state. */
export interface Part {
  readonly start: number
  readonly end: number
}

/** A state's text with its instances taken out. */
export interface Cut {
  /** JSON; the object `{"": n}` stands where the text has the n-th part. No other object lies that deep in it. */
  readonly skeleton: string
  readonly parts: readonly Part[]
  /** How deep the text nests. */
  readonly depth: number
}

/**
 * Finds the instances by brackets alone: a state of 200 MB is never parsed as one tree, which would take a gigabyte.
 * Nothing is validated here. Brackets that do not match leave a skeleton or a part that is no JSON.
 */
export function cutInstances(bytes: Uint8Array): Cut {
  const parts: Part[] = []
  const between: string[] = []
  let [depth, deepest, start, kept] = [0, 0, 0, 0]
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfText(bytes, at)
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === INSTANCE_DEPTH) start = at
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1
      if (depth !== INSTANCE_DEPTH) continue
      between.push(decode(bytes, { start: kept, end: start }), `{"":${parts.length}}`)
      kept = at + 1
      parts.push({ start, end: kept })
    }
  }
  between.push(decode(bytes, { start: kept, end: bytes.length }))
  return { skeleton: between.join(''), parts, depth: deepest }
}

/** The text of a part; a TypeError where it is not UTF-8. */
export const decode = (bytes: Uint8Array, { start, end }: Part): string => utf8.decode(bytes.subarray(start, end))

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The place of the quote that ends a text, or the last byte. */
function endOfText(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}
