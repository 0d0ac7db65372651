import { isList } from './document.ts'
import type { JsonObject } from './json.ts'
import { splitPath, valueAt } from './path.ts'
import { permissionNames } from './security_groups.ts'

/** A piece of a template: `${path}` or `${path|filter}`; what stands between the pieces stands for itself. */
const PIECE = /\$\{([^}|]+)(?:\|([^}]*))?\}/g

const FILTERS: ReadonlyMap<string, (text: string) => string> = new Map([
  /** What an ARN ends with: the id or the name that other calls use. */
  ['last', (text) => text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf(':')) + 1)],
  ['lower', (text) => text.toLowerCase()],
  ['method', methodName],
])

/**
 * What no template can say. `permissions()`: the rules that a rule of a security group stands for. `singleton()`: the only
 * one of its type in an account's region, whose id says nothing; records call it `singleton`.
 */
const FUNCTIONS: ReadonlyMap<string, NameReader> = new Map([
  ['permissions()', permissionNames],
  ['singleton()', () => ['singleton']],
])

/** An API Gateway's method, whose path Terraform keeps with or without escapes (RFC 6901, section 3), in one spelling. */
export function methodName(path: string): string {
  return path.replaceAll('~1', '/').replace(/^\/+/, '')
}

/** Reads what one entry of `identities` names a resource; nothing where an attribute that it needs is unset. */
export type NameReader = (attributes: JsonObject) => readonly string[]

type Piece = (attributes: JsonObject) => string | undefined

/** The attributes that an entry of `identities` is made of: one, or those in a template's braces. A function has its own. */
export function attributesIn(identity: string): readonly string[] {
  if (FUNCTIONS.has(identity)) return []
  const names = Array.from(identity.matchAll(PIECE), ([, name = '']) => name)
  return names.length === 0 ? [identity] : names
}

/** Compiles an entry of `identities`. One that leads into blocks or has a list in it names the resource once for each element. */
export function compileNames(identity: string): NameReader {
  const read = compileIdentity(identity)
  const roots = attributesIn(identity).map((path) => splitPath(path)[0] ?? '')
  const names = (attributes: JsonObject, [root, ...others]: readonly string[]): readonly string[] => {
    if (root === undefined) return [read(attributes) ?? []].flat()
    const { [root]: elements } = attributes
    if (!isList(elements)) return names(attributes, others)
    return elements.flatMap((element) => names({ ...attributes, [root]: element }, others))
  }
  return FUNCTIONS.get(identity) ?? ((attributes) => names(attributes, roots))
}

/** Compiles an attribute's name, or a template such as `${cluster_name}:${name}`. */
export function compileIdentity(identity: string): Piece {
  const pieces = piecesOf(identity)
  return (attributes) => {
    let id = ''
    for (const piece of pieces) {
      const text = piece(attributes)
      if (text === undefined) return undefined
      id += text
    }
    return id
  }
}

function piecesOf(identity: string): readonly Piece[] {
  const matches = [...identity.matchAll(PIECE)]
  if (matches.length === 0) return [compilePath(identity)]
  let end = 0
  const pieces = matches.flatMap(({ 0: whole, 1: path = '', 2: filter, index }) => {
    const before = identity.slice(end, index)
    end = index + whole.length
    return [() => before, compilePiece(path, filter)]
  })
  const rest = identity.slice(end)
  return [...pieces, () => rest]
}

function compilePiece(path: string, name: string | undefined): Piece {
  const read = compilePath(path)
  if (name === undefined) return read
  const filter = FILTERS.get(name)
  if (filter === undefined) throw new TypeError(`an identity has no filter ${name}`)
  return (attributes) => {
    const value = read(attributes)
    return value === undefined ? undefined : filter(value)
  }
}

function compilePath(path: string): Piece {
  const names = splitPath(path)
  return (attributes) => {
    const value = valueAt(attributes, names)
    if (typeof value === 'string') return value === '' ? undefined : value
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
  }
}
