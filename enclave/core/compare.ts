import type { ResourceType, Target } from './catalog.ts'
import { isList } from './document.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { delta, isRedacted, isSame, isUndecided, shown } from './meaning.ts'
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

type Delta = { readonly added: readonly Json[]; readonly removed: readonly Json[] }

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
  const { kindAt, old, values } = written(target, event, known, current)
  const touched: string[] = []
  const changes: Change[] = []
  for (const [path, now] of values) {
    if (isProviders(target.type, path)) continue
    const kind = kindAt(path)
    const pair = { path, old: old(path), now }
    touched.push(path)
    const pairs = isMap(kind) && target.type.attributes.has(path) ? keys(pair) : [pair]
    changes.push(...pairs.flatMap((one) => difference(target.type, kind, one, state, digest)))
  }
  return { touched, changes }
}

/** Whether elements are left of a resource that a call deletes by some of them. */
export const isLeft = (target: Target, event: CloudEvent, known: Known, current: Current): boolean =>
  target.remove.size > 0 &&
  written(target, event, known, current).values.some(([, now = null]) => isList(now) && now.length > 0)

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
function isProviders(type: ResourceType, path: string): boolean {
  const attribute = type.attributes.get(path)
  return attribute !== undefined && attribute.computed && !attribute.optional
}

type Pair = { readonly path: string; readonly old: Json; readonly now: Json | undefined }

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
  { path, old, now }: Pair,
  known: Known,
  digest: Digest,
): readonly Change[] {
  if (kind === 'tags' && splitPath(path).at(-1)?.startsWith(AWS_TAG)) return []
  const secrets = secretsOf(type, known)
  const show = (value: Json): Json => hideSecrets(shown(kind, value), path, secrets, digest)
  if (now === undefined || isRedacted(now)) return [{ path, old: show(old), now: null, suspected: true }]
  const shape = shapeOf(type, path)
  if (isSame(shape ?? kind, old, now)) return []
  const change = { path, old: show(old), now: show(now), suspected: isUndecided(kind, old, now) }
  if (isSecret(path, secrets) || !isBlocks(kind)) return [change]
  const { added, removed } = kind === 'permissions' ? permissionDelta(old, now) : delta(old, now, shape ?? NO_SHAPE)
  const each = (blocks: readonly Json[]): readonly Json[] =>
    blocks.map((block) => hideSecrets(block, path, secrets, digest))
  return [{ ...change, delta: { added: each(added), removed: each(removed) } }]
}

function stateValue(type: ResourceType, attributes: JsonObject, path: string): Json {
  const [first, ...rest] = splitPath(path)
  if (first === undefined) return null
  // What the provider's default_tags add is in tags_all alone, and is as much Terraform's.
  const isTags = kindOf(type, path) === 'tags' && isObject(attributes[`${first}_all`])
  const value = valueAt(attributes, [isTags ? `${first}_all` : first, ...rest]) ?? null
  const other = value === null || value === '' ? type.otherwise?.get(path) : undefined
  return other === undefined ? value : (attributes[other] ?? null)
}

const isMap = (kind: AttributeKind): boolean => kind === 'map' || kind === 'tags'
const isBlocks = (kind: AttributeKind): boolean =>
  kind === 'list' || kind === 'set' || kind === 'cidrs' || kind === 'permissions'

/** What Terraform marks as sensitive in this resource, and what the provider does in every one of its type. */
function secretsOf(type: ResourceType, { sensitive }: Known): readonly string[] {
  const known =
    sensitiveOf.get(type) ?? Array.from(type.attributes).flatMap(([path, { sensitive: is }]) => (is ? [path] : []))
  sensitiveOf.set(type, known)
  return known.length === 0 ? sensitive : [...sensitive, ...known]
}

const sensitiveOf = new WeakMap<ResourceType, readonly string[]>()
