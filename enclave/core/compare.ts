import { blockIn, inBlocks } from './blocks.ts'
import type { Attribute, Reader, ResourceType, Target } from './catalog.ts'
import { isList } from './document.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { delta, isRedacted, isSame, isUndecided, shown, typed } from './meaning.ts'
import { newValues } from './new_values.ts'
import { keyPath, splitPath, valueAt } from './path.ts'
import { hideSecrets, isSecret, type Digest } from './secrets.ts'
import { permissionDelta } from './security_groups.ts'
import { NO_SHAPE, shapeOf } from './shape.ts'

export type { Digest } from './secrets.ts'

/** Tags under this prefix are AWS's own. */
const AWS_TAG = 'aws:'

/** What a comparison needs to know of the resource as the state has it. */
export interface Known {
  readonly attributes: JsonObject
  readonly sensitive: readonly string[]
}

export type Delta = { readonly added: readonly Json[]; readonly removed: readonly Json[] }

/** One path whose new value is not the state's. */
export interface Change {
  readonly path: string
  readonly old: Json
  /** Null with `suspected` when the record does not show the value. */
  readonly now: Json
  readonly suspected: boolean
  readonly delta?: Delta
}

export interface Comparison {
  /** Every path that the event sets, equal or not; what lies inside such a path is set too. */
  readonly touched: readonly string[]
  readonly changes: readonly Change[]
}

/** What a path is known to hold now, where that is not what the state says: what an open drift reported. */
export type Current = (path: string) => Json | undefined

const NOTHING: Known = { attributes: {}, sensitive: [] }

/**
 * Compares what an event sets with what the state holds, or with nothing where no state knows the resource. What an event
 * adds to a list or takes from it is counted from `current`, so that the second of two drifts does not undo the first.
 */
export function compare(
  target: Target,
  event: CloudEvent,
  known: Known | undefined,
  digest: Digest,
  current: Current = () => undefined,
): Comparison {
  const state = known ?? NOTHING
  const { kindAt, old, values: each } = written(target, event, known, current)
  const values = known === undefined ? each : inBlocks(each, { ...known, type: target.type, kindAt, current })
  const touched: string[] = []
  const changes: Change[] = []
  // A state that has a resource was read after the call that made it: what that call hides is in there.
  const isBirth = target.effect === 'create' && known !== undefined
  for (const [path, now] of values) {
    const attribute = target.type.attributes.get(path)
    if ((attribute !== undefined && isProviders(attribute)) || isToldByTwin(target.type, path, state)) continue
    const pair = { path, old: old(path), now }
    touched.push(path)
    for (const one of attribute === undefined ? [pair] : partsOf(target.type, attribute, pair)) {
      const change = difference(target.type, kindAt(one.path), one, state, digest)
      if (change !== undefined && !(change.suspected && isBirth)) changes.push(change)
    }
  }
  return { touched, changes }
}

/** Whether elements are left of a resource that a call deletes by some of them, or may be. */
export const isLeft = (target: Target, event: CloudEvent, known: Known, current: Current): boolean =>
  target.remove.size > 0 &&
  (isAnyHidden(target.remove, event) ||
    written(target, event, known, current).values.some(([path, now = null]) => target.remove.has(path) && isThere(now)))

const isThere = (value: Json): boolean => (isList(value) ? value.length > 0 : value !== null)

const isAnyHidden = (readers: ReadonlyMap<string, Reader>, event: CloudEvent): boolean =>
  [...readers.values()].some((read) => isRedacted(read(event) ?? null))

/** What an event writes, and what stood there. */
function written(target: Target, event: CloudEvent, known: Known | undefined, current: Current) {
  const kindAt = (path: string): AttributeKind => kindOf(target.type, path) ?? 'string'
  const old = (path: string): Json => (known === undefined ? null : stateValue(target.type, known.attributes, path))
  return { kindAt, old, values: newValues(target, event, kindAt, (at) => current(at) ?? old(at)) }
}

/** The value that a state holds at a finding's path. */
export function stateAt(type: ResourceType, known: Known, path: string, digest: Digest): Json {
  const kind = kindOf(type, path) ?? 'string'
  const value = shown(kind, stateValue(type, known.attributes, path))
  return hideSecrets(value, path, secretsOf(type, known), digest)
}

/** The kind of the attribute that a path is, or lies in. */
export function kindOf(type: ResourceType, path: string): AttributeKind | undefined {
  const exact = type.attributes.get(path)
  if (exact !== undefined) return exact.kind
  // What no schema describes is a key of a map, or a field of a block: the nearest attribute around it says how it compares.
  const names = splitPath(path)
  for (let end = names.length - 1; end > 0; end -= 1) {
    const around = type.attributes.get(names.slice(0, end).join('.'))
    if (around !== undefined) return around.kind
  }
  return undefined
}

/** What only the provider sets is never drift. */
const isProviders = ({ computed, optional }: Attribute): boolean => computed && !optional

/** Of two attributes that say the same, the one that the state's version of the provider does not keep. */
function isToldByTwin({ twins }: ResourceType, path: string, { attributes }: Known): boolean {
  const twin = twins?.get(path)
  return twin !== undefined && (attributes[path] ?? null) === null && (attributes[twin] ?? null) !== null
}

type Pair = { readonly path: string; readonly old: Json; readonly now: Json | undefined }

/** What is told by itself: the keys of a map, and of a block that can occur once and stays, the arguments that differ. */
function partsOf(type: ResourceType, { kind, isSingle }: Attribute, pair: Pair): readonly Pair[] {
  if (isMap(kind)) return keys(pair)
  const inside = isSingle === true ? members(type, pair) : []
  return inside.length === 0 ? [pair] : inside
}

function members(type: ResourceType, { path, old, now }: Pair): readonly Pair[] {
  const [before, after, shape] = [blockIn(old), blockIn(now), shapeOf(type, path)]
  if (before === undefined || after === undefined || shape === undefined) return []
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [one, other] = [valueAt(before, [name]) ?? null, valueAt(after, [name]) ?? null]
    const pair = { path: keyPath(path, name), old: one, now: other }
    // As members of the block: there the provider's own values do not count where a call is silent about them.
    if (isSame(shape, [{ [name]: pair.old }], [{ [name]: pair.now }])) return []
    const attribute = type.attributes.get(pair.path)
    return attribute === undefined ? [pair] : partsOf(type, attribute, pair)
  })
}

/** The single keys of two maps. */
function keys({ path, old, now }: Pair): readonly Pair[] {
  if (now === undefined || typeof now === 'string') return [{ path, old, now }] // of a map a text tells only that it is hidden
  const [before, after] = [isObject(old) ? old : {}, isObject(now) ? now : {}]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return Array.from(names, (key) => ({
    path: keyPath(path, key),
    old: valueAt(before, [key]) ?? null, // a tag may well be called `constructor`
    now: valueAt(after, [key]) ?? null,
  }))
}

function difference(
  type: ResourceType,
  kind: AttributeKind,
  { path, old, now: said }: Pair,
  known: Known,
  digest: Digest,
): Change | undefined {
  if (kind === 'tags' && path.includes(AWS_TAG) && splitPath(path).at(-1)?.startsWith(AWS_TAG)) return undefined
  const secrets = secretsOf(type, known)
  const show = (value: Json): Json => hideSecrets(shown(kind, value), path, secrets, digest)
  if (said === undefined || isRedacted(said)) return { path, old: show(old), now: null, suspected: true }
  const shape = shapeOf(type, path)
  if (isSame(shape ?? kind, old, said)) return undefined
  const now = shape === undefined ? said : typed(shape, said)
  const change = { path, old: show(old), now: show(now), suspected: isUndecided(kind, old, now) }
  if (isSecret(path, secrets) || !isBlocks(kind) || !(isList(old) || isList(now))) return change
  const { added, removed } = kind === 'permissions' ? permissionDelta(old, now) : delta(old, now, shape ?? NO_SHAPE)
  const each = (blocks: readonly Json[]): readonly Json[] =>
    blocks.map((block) => hideSecrets(block, path, secrets, digest))
  return { ...change, delta: { added: each(added), removed: each(removed) } }
}

function stateValue(type: ResourceType, attributes: JsonObject, path: string): Json {
  const names = splitPath(path)
  if (names.length === 0) return null
  const value = valueAt(attributes, kindOf(type, path) === 'tags' ? allTags(attributes, names) : names) ?? null
  const other = value === null || value === '' ? type.otherwise?.get(path) : undefined
  return other === undefined ? value : (attributes[other] ?? null)
}

/** What the provider's default_tags add is in tags_all alone, and is as much Terraform's. */
function allTags(attributes: JsonObject, names: readonly string[]): readonly string[] {
  const at = names.indexOf('tags')
  const around = [...names.slice(0, at), 'tags_all']
  return at !== -1 && isObject(valueAt(attributes, around)) ? [...around, ...names.slice(at + 1)] : names
}

const isMap = (kind: AttributeKind): boolean => kind === 'map' || kind === 'tags'
const isBlocks = (kind: AttributeKind): boolean =>
  kind === 'list' ||
  kind === 'set' ||
  kind === 'cidrs' ||
  kind === 'dns_names' ||
  kind === 'termination_policies' ||
  kind === 'actions' ||
  kind === 'event_selectors' ||
  kind === 'permissions'

/** What Terraform marks as sensitive in this resource, and what the provider does in every one of its type. */
function secretsOf(type: ResourceType, { sensitive }: Known): readonly string[] {
  const known = sensitiveOf.getOrInsertComputed(type, sensitiveIn)
  return known.length === 0 ? sensitive : [...sensitive, ...known]
}

const sensitiveIn = ({ attributes }: ResourceType): readonly string[] =>
  Array.from(attributes).flatMap(([path, { sensitive }]) => (sensitive ? [path] : []))

const sensitiveOf = new WeakMap<ResourceType, readonly string[]>()
