import type { Reader, ResourceType, Target } from './catalog.ts'
import { isList } from './document.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { delta, isRedacted, isSame } from './meaning.ts'
import { keyPath } from './path.ts'
import { withoutPermissions, withPermissions } from './security_groups.ts'

/** What a path holds before the event. */
type Before = (path: string) => Json
type KindAt = (path: string) => AttributeKind

/** Path and new value; undefined for a value that the event sets and the record does not give. */
export function newValues(
  target: Target,
  event: CloudEvent,
  kindAt: KindAt,
  before: Before,
): readonly (readonly [string, Json | undefined])[] {
  const set = read(target.set, event)
  if (set.length > 0 && target.add.size + target.remove.size + target.touch.length === 0) return set // as most calls
  const [gone, come] = [read(target.remove, event), read(target.add, event)]
  // An empty list names nothing: the call says nothing of what is there, but for what it deletes by its parts.
  const names = ([, value]: readonly [string, Json]): boolean =>
    target.effect === 'delete' || !isList(value) || value.length > 0
  const removed = gone.filter(names).flatMap(([path, value]) => removal(path, value, kindAt(path), before))
  // What is added to finds what the same call left there: a rule that is replaced goes and comes.
  const left: Before = (at) => removed.findLast(([path]) => path === at)?.[1] ?? before(at)
  const added = come.filter(names).flatMap(([path, value]) => addition(path, value, target.type, kindAt(path), left))
  const values = new Map<string, Json | undefined>(set)
  for (const [path, value] of removed) values.set(path, value)
  for (const [path, value] of added) values.set(path, value)
  for (const path of target.touch) values.set(path, undefined)
  // A call may say that nothing of a map comes or goes: parameters of a stack that keep their values.
  if (values.size + gone.length + come.length > 0 || target.effect === 'create') return [...values]
  // It sets something, or it would not be in the catalog: what that is was left out of the record.
  const all = [...target.set.keys(), ...target.add.keys(), ...target.remove.keys()]
  return all.map((path) => [path, undefined] as const)
}

function read(readers: ReadonlyMap<string, Reader>, event: CloudEvent): readonly (readonly [string, Json])[] {
  const values: (readonly [string, Json])[] = []
  for (const [path, reader] of readers) {
    const value = reader(event)
    if (value !== undefined) values.push([path, value])
  }
  return values
}

function addition(
  path: string,
  added: Json,
  { keys }: ResourceType,
  kind: AttributeKind,
  before: Before,
): readonly (readonly [string, Json | undefined])[] {
  if (kind === 'permissions') return [[path, withPermissions(before(path), added)]]
  if (typeof added === 'string') return [[path, undefined]] // it is hidden
  if (isObject(added)) return Object.entries(added).map(([key, value]) => [keyPath(path, key), value] as const)
  const members = listIn(before(path))
  const fields = keys?.get(path)
  if (fields !== undefined) return [[path, withBlocks(members, listIn(added), fields)]]
  // A block that is there has more to it than a call says: what the provider computes, what other calls set.
  const isThere = (one: Json): boolean => isObject(one) && members.some((member) => holds(member, one))
  return [[path, [...members, ...delta(members, added).added.filter((one) => !isThere(one))]]]
}

/** A block that has the key of one that is there gives it what the call says of it. Of several keys the first that it has counts. */
function withBlocks(members: readonly Json[], added: readonly Json[], fields: readonly string[]): readonly Json[] {
  const isOf = (member: Json) => (block: Json) => {
    if (!isObject(member) || !isObject(block)) return false
    const key = fields.find((field) => (block[field] ?? null) !== null) ?? ''
    return isSame('list', [member[key] ?? null], [block[key] ?? null])
  }
  const changed = members.map((member) => {
    const block = added.find(isOf(member))
    return isObject(member) && isObject(block) ? { ...member, ...said(block) } : member
  })
  return [...changed, ...added.filter((block) => !members.some((member) => isOf(member)(block)))]
}

const said = (block: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null))

function removal(
  path: string,
  gone: Json,
  kind: AttributeKind,
  before: Before,
): readonly (readonly [string, Json | undefined])[] {
  if (isRedacted(gone)) return [[path, undefined]]
  if (kind === 'permissions') return [[path, withoutPermissions(before(path), gone)]]
  if (isObject(gone) && isMap(kind))
    return Object.entries(gone).flatMap(([key, value]) => removedKey(keyPath(path, key), value, before))
  if (isMap(kind))
    return listIn(gone).flatMap((key) => (typeof key === 'string' ? [[keyPath(path, key), null] as const] : []))
  // One value, which goes as an element of a list would: the one of a tag that is a resource of its own.
  if (typeof gone === 'string') return [[path, before(path) === gone ? null : before(path)]]
  const left = listIn(before(path)).filter((member) => !listIn(gone).some((named) => holds(member, named, kind)))
  return [[path, left]]
}

/** A key that goes only with a value: null is any. */
function removedKey(path: string, value: Json, before: Before): readonly (readonly [string, Json | undefined])[] {
  if (isRedacted(value)) return [[path, undefined]]
  return value === null || value === before(path) ? [[path, null]] : []
}

/** The sets whose elements have several spellings. */
const isNamed = (kind: AttributeKind): boolean => kind === 'cidrs' || kind === 'dns_names'
const isMap = (kind: AttributeKind): boolean => kind === 'map' || kind === 'tags'

/** Whether an element is the one that a call names, by all that the call says of it. */
function holds(member: Json, named: Json, kind: AttributeKind = 'list'): boolean {
  if (!isObject(named) || !isObject(member)) return isSame(isNamed(kind) ? kind : 'list', [member], [named])
  return Object.entries(named).every(
    ([field, value]) => value === null || isSame('list', [member[field] ?? null], [value]),
  )
}

const listIn = (value: Json): readonly Json[] => (isList(value) ? value : [])
