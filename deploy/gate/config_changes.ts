import { parse } from 'yaml'

/**
 * What changed in the measured configuration: each key by its path, with both values, and each element of a list of
 * values for itself, so that one more allowed principal reads as that.
 */
export function configChanges(before: string, after: string): readonly string[] {
  const [old, now] = [before, after].map((text) => flat('', parse(text, { logLevel: 'error' })))
  const paths = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])]
  return paths.flatMap((path) => {
    const [was, is] = [old?.get(path) ?? new Set<string>(), now?.get(path) ?? new Set<string>()]
    const [removed, added] = [[...was.difference(is)], [...is.difference(was)]]
    if (removed.length === 1 && added.length === 1) return [`${path}: ${removed[0] ?? ''} -> ${added[0] ?? ''}`]
    return added.map((value) => `${path}: added ${value}`).concat(removed.map((value) => `${path}: removed ${value}`))
  })
}

/** Values by path. Elements that have a name are told apart by it, not by their place. */
function flat(path: string, value: unknown): ReadonlyMap<string, Set<string>> {
  if (typeof value !== 'object' || value === null) return new Map([[path, new Set([JSON.stringify(value)])]])
  const below = new Map<string, Set<string>>()
  for (const [key, entry] of Object.entries(value)) {
    const scalarInList = Array.isArray(value) && (typeof entry !== 'object' || entry === null)
    const name = nameOf(entry)
    const at = scalarInList ? path : join(path, Array.isArray(value) && name !== undefined ? name : key)
    for (const [inner, values] of flat(at, entry)) below.set(inner, (below.get(inner) ?? new Set()).union(values))
  }
  return below
}

const nameOf = (entry: unknown): string | undefined =>
  typeof entry === 'object' && entry !== null && 'name' in entry ? String(entry.name) : undefined

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)
