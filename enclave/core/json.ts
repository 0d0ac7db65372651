/** A JSON value, as `JSON.parse` gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether the value nests no deeper than `depth`: what passes is safe for recursion. */
export function isWithinDepth(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  // Every record is walked, and most of its members are texts: no call for those, and no list of them.
  if (!isObject(value)) {
    for (const inner of value) if (typeof inner === 'object' && !isWithinDepth(inner, depth - 1)) return false
    return true
  }
  for (const name in value) {
    const inner = value[name] ?? null
    if (typeof inner === 'object' && !isWithinDepth(inner, depth - 1)) return false
  }
  return true
}

/** One text for one value: keys sorted, no white space. Give it only values of bounded depth. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`)
  return `{${members.join(',')}}`
}

/**
 * The same text in one piece. V8 keeps what was cut out of another text, or put together, as references to its parts, and
 * takes more than twice as long to write a finding as JSON that has such a text in it.
 */
export const inOnePiece = (text: string): string => JSON.parse(JSON.stringify(text)) as string // as it went in

/** An object without the members that are undefined, for types whose optional members may not be. */
export function defined<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  const kept: Partial<T> = {}
  for (const name in members) if (members[name] !== undefined) kept[name] = members[name]
  return kept as T // which the loop has just made true
}
