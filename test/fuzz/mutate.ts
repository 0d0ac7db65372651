/** A source of 32-bit numbers. */
export type Random = () => number

/** The numbers for one input: any input of a run can be made again without those before it. */
export function randomFor(seed: number, input: number): Random {
  let state = (Math.imul(input, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b)) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** One change in half of the inputs, since two seldom reach deeper than one. */
const CHANGES = [1, 1, 1, 2, 3, 4] as const
const MAX_LENGTH = 32
/** Where lengths, counts and signs turn over. */
const EDGES = [0, 1, 0x17, 0x18, 0x1f, 0x20, 0x5f, 0x7f, 0x80, 0x9f, 0xbf, 0xf6, 0xf7, 0xff] as const

/** One of the seeds with a few things changed: bits, bytes, lengths, ranges, words of the format. Never one of `sound`. */
export function mutate(
  seeds: readonly Uint8Array[],
  words: readonly Uint8Array[],
  random: Random,
  sound: readonly Uint8Array[] = seeds,
): Uint8Array {
  const any = <T>(choices: readonly T[]): T => choices[random() % choices.length] as T // no list is empty
  const below = (limit: number) => (limit < 1 ? 0 : random() % limit)
  let bytes: Buffer = Buffer.from(any(seeds))
  for (let left: number = any(CHANGES); left > 0 || sound.some((other) => bytes.equals(other)); left--)
    bytes = change(bytes)
  return bytes

  function change(from: Buffer): Buffer {
    const at = below(from.length)
    const length = Math.min(1 + below(MAX_LENGTH), from.length - at)
    // What keeps the length comes more often: where lengths are nested, the rest ends at the first of them.
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
        return write(from, at, Uint8Array.of((from[at] ?? 0) ^ (1 << below(8))))
      case 3:
        return write(from, at, Uint8Array.of(below(256)))
      case 4:
        return write(from, at, Uint8Array.of(any(EDGES)))
      case 5:
        return write(from, at, Uint8Array.of(any(EDGES), any(EDGES)))
      case 6:
        return write(from, at, from.subarray(below(from.length)).subarray(0, length))
      case 7:
        return write(from, at, any([Uint8Array.of(any(EDGES)), ...words]))
      case 8:
        return splice(from, at, length, new Uint8Array(0))
      case 9:
        return splice(
          from,
          at,
          0,
          Uint8Array.from({ length }, () => below(256)),
        )
      case 10:
        return splice(from, at, 0, from.subarray(at, at + length))
      case 11:
        return splice(from, at, below(2) * length, any([Uint8Array.of(any(EDGES)), ...words]))
      case 12:
        return splice(from, at, 0, any(seeds).subarray(0, below(512)))
    }
    return from.subarray(0, at)
  }
}

/** Over what is there, as far as there is anything. */
function write(bytes: Buffer, at: number, part: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(part.subarray(0, bytes.length - at), at)
  return copy
}

function splice(bytes: Buffer, at: number, removed: number, part: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + removed)])
}
