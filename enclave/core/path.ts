import { isObject, type Json } from './json.ts'

/** What HCL takes for an identifier; any other map key is written in brackets. */
const IDENTIFIER = /^[A-Za-z_][\w-]*$/
const SEGMENT = /\.?([A-Za-z_][\w-]*)|\[("(?:[^"\\]|\\.)*")\]/y

/** `tags` and `Name` make `tags.Name`; `tags` and `kubernetes.io/x` make `tags["kubernetes.io/x"]`. */
export const keyPath = (path: string, key: string): string =>
  IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`

/** The names in a path that `keyPath` made, or that the catalog writes. */
export function splitPath(path: string): readonly string[] {
  if (path !== '' && !path.includes('[')) return path.split('.') // as nearly all are
  return Array.from(path.matchAll(new RegExp(SEGMENT, 'gy')), ([, name, quoted]) =>
    quoted === undefined ? (name ?? '') : (JSON.parse(quoted) as string),
  )
}

/** Whether `path` is `root` or lies inside it. */
export const isInside = (path: string, root: string): boolean =>
  path.startsWith(root) && (path.length === root.length || path[root.length] === '.' || path[root.length] === '[')

/** The value at a list of names. Terraform keeps a block that occurs once as a list of one: its name leads to the block. */
export function valueAt(value: Json | undefined, names: readonly string[]): Json | undefined {
  let at = value
  for (const name of names) {
    if (Array.isArray(at)) at = (at as readonly Json[])[0]
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}
