/** Takes the oldest entries out of a map or a set until no more than `most` are left. */
export function dropOldest(
  entries: { readonly size: number; keys(): IterableIterator<string>; delete(key: string): boolean },
  most: number,
): void {
  for (const key of entries.keys()) {
    if (entries.size <= most) return
    entries.delete(key)
  }
}
