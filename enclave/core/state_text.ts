import {
  afterSpace,
  endOfList,
  endOfObject,
  endOfValue,
  NONE,
  OPEN_BRACE,
  OPEN_BRACKET,
  type MemberEnd,
} from './json_scan.ts'

/** Where a resource or an instance lies in the bytes of a state. */
export interface Part {
  readonly start: number
  readonly end: number
}

/** An object with its lists taken out. */
export interface Cut {
  /** JSON; `[n]` stands for the n-th list. It has no other list among its members. */
  readonly skeleton: string
  /** Where the elements of each list lie. */
  readonly lists: readonly (readonly Part[])[]
}

/**
 * Takes the lists out of an object that are members of it: the resources of a state, the instances of a resource. A state
 * of 200 MB is never parsed as one tree, which would take a gigabyte. Undefined where no object begins, or one that nests
 * deeper than `depth`, or something follows it; a TypeError where the skeleton is not UTF-8.
 */
export function cutLists(bytes: Uint8Array, { start: first, end: last }: Part, depth: number): Cut | undefined {
  const lists: Part[][] = []
  const between: string[] = []
  let kept = first
  const endOfMember: MemberEnd = (_, start, within) => {
    if (bytes[start] !== OPEN_BRACKET) return endOfValue(bytes, start, within)
    const list: Part[] = []
    const end = endOfList(bytes, start, within, (__, at, inside) => {
      const after = endOfValue(bytes, at, inside)
      list.push({ start: at, end: after })
      return after
    })
    between.push(decode(bytes, { start: kept, end: start }), `[${lists.length}]`)
    lists.push(list)
    kept = end
    return end
  }
  const end = endOfObject(bytes, afterSpace(bytes, first), depth, endOfMember)
  if (end === NONE || afterSpace(bytes, end) < last) return undefined
  between.push(decode(bytes, { start: kept, end: last }))
  return { skeleton: between.join(''), lists }
}

/** Whether an object begins here. */
export const beginsObject = (bytes: Uint8Array, start: number): boolean => bytes[start] === OPEN_BRACE

/** The text of a part; a TypeError where it is not UTF-8. */
export const decode = (bytes: Uint8Array, { start, end }: Part): string => utf8.decode(bytes.subarray(start, end))

const utf8 = new TextDecoder('utf-8', { fatal: true })
