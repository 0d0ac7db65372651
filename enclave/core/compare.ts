import type { AttributeKind, Reader, ResourceType, Target } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts'
import { delta, isRedacted, isSame, shown } from './meaning.ts'
import { isInside, keyPath, splitPath, valueAt } from './path.ts'
import { readAttribute } from './reader.ts'

/** Tags under this prefix are AWS's own. */
const AWS_TAG = 'aws:'

/** Turns a value that must not be shown into something that can still be told apart: `sha256:…`. */
export type Digest = (value: string) => string

/** What a comparison needs to know of the resource as the state has it. */
export interface Known {
  readonly attributes: JsonObject
  readonly sensitive: readonly string[]
}

/** One path whose new value is not the state's. */
export interface Change {
  readonly path: string
  readonly old: Json
  /** Null with `suspected` when the record does not show the value. */
  readonly now: Json
  readonly suspected: boolean
  readonly delta?: { readonly added: readonly Json[]; readonly removed: readonly Json[] }
}

export interface Comparison {
  /** Every path that the event sets, equal or not; what lies inside such a path is set too. */
  readonly touched: readonly string[]
  readonly changes: readonly Change[]
}

const NOTHING: Known = { attributes: {}, sensitive: [] }

/** Compares what an event sets with what the state holds, or with nothing where no state knows the resource. */
export function compare(target: Target, event: CloudEvent, known: Known | undefined, digest: Digest): Comparison {
  const state = known ?? NOTHING
  const touched: string[] = []
  const changes: Change[] = []
  for (const [path, now] of newValues(target, event)) {
    const kind = kindOf(target.type, path) ?? 'string'
    const old = stateValue(state.attributes, path, kind)
    touched.push(path)
    changes.push(
      ...(isMap(kind) && isWhole(target.type, path) ? keys(path, old, now) : [{ path, old, now }]).flatMap((pair) =>
        difference(kind, pair, state, digest),
      ),
    )
  }
  return { touched, changes }
}

/** The value that a state holds at a finding's path. */
export function stateAt(type: ResourceType, known: Known, path: string, digest: Digest): Json {
  const kind = kindOf(type, path) ?? 'string'
  const value = stateValue(known.attributes, path, kind)
  return isSensitive(path, known.sensitive) ? hidden(shown(kind, value), digest) : shown(kind, value)
}

/** The kind of the attribute that a path is, or lies in. */
export function kindOf(type: ResourceType, path: string): AttributeKind | undefined {
  const exact = type.attributes.get(path)
  if (exact !== undefined) return exact
  for (const [attribute, kind] of type.attributes) if (isInside(path, attribute)) return kind
  return undefined
}

type Pair = { readonly path: string; readonly old: Json; readonly now: Json | undefined }

/** Path and new value; undefined for a value that the event sets and the record does not give. */
function newValues(target: Target, event: CloudEvent): readonly (readonly [string, Json | undefined])[] {
  const read = (readers: ReadonlyMap<string, Reader>) =>
    Array.from(readers, ([path, reader]) => [path, readAttribute(event, reader)] as const).filter(
      (entry): entry is readonly [string, Json] => entry[1] !== undefined,
    )
  const values = [
    ...read(target.set),
    ...read(target.add).flatMap(([path, map]) =>
      isObject(map) ? Object.entries(map).map(([key, value]) => [keyPath(path, key), value] as const) : [],
    ),
    ...read(target.remove).flatMap(([path, gone]) => textsIn(gone).map((key) => [keyPath(path, key), null] as const)),
  ]
  if (values.length > 0 || target.effect === 'create') return values
  // It sets something, or it would not be in the catalog: what that is was left out of the record.
  const all = [...target.set.keys(), ...target.add.keys(), ...target.remove.keys()]
  return all.map((path) => [path, undefined] as const)
}

const textsIn = (value: Json): readonly string[] =>
  Array.isArray(value) ? value.filter((member) => typeof member === 'string') : []

/** The single keys of two maps, without AWS's own tags. */
function keys(path: string, old: Json, now: Json | undefined): readonly Pair[] {
  if (now === undefined) return [{ path, old, now }]
  const [before, after] = [isObject(old) ? old : {}, isObject(now) ? now : {}]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return Array.from(names, (key) => ({
    path: keyPath(path, key),
    old: valueAt(before, [key]) ?? null, // a tag may well be called `constructor`
    now: valueAt(after, [key]) ?? null,
  }))
}

function difference(kind: AttributeKind, { path, old, now }: Pair, known: Known, digest: Digest): readonly Change[] {
  if (kind === 'tags' && splitPath(path).at(-1)?.startsWith(AWS_TAG)) return []
  const show = (value: Json): Json =>
    isSensitive(path, known.sensitive) ? hidden(shown(kind, value), digest) : shown(kind, value)
  if (now === undefined || isRedacted(now)) return [{ path, old: show(old), now: null, suspected: true }]
  if (isSame(kind, old, now)) return []
  const change = { path, old: show(old), now: show(now), suspected: false }
  const inBlocks = (kind === 'list' || kind === 'set') && !isSensitive(path, known.sensitive)
  return [inBlocks ? { ...change, delta: delta(old, now) } : change]
}

function stateValue(attributes: JsonObject, path: string, kind: AttributeKind): Json {
  const [first, ...rest] = splitPath(path)
  if (first === undefined) return null
  // What the provider's default_tags add is in tags_all alone, and is as much Terraform's.
  const root = kind === 'tags' && isObject(attributes[`${first}_all`]) ? `${first}_all` : first
  return valueAt(attributes, [root, ...rest]) ?? null
}

const isMap = (kind: AttributeKind): boolean => kind === 'map' || kind === 'tags'
const isWhole = (type: ResourceType, path: string): boolean => type.attributes.has(path)

/** A part of something sensitive is sensitive, and so is the whole around it. */
function isSensitive(path: string, sensitive: readonly string[]): boolean {
  if (sensitive.length === 0) return false
  const plain = splitPath(path).join('.')
  return sensitive.some((secret) => isInside(plain, secret) || isInside(secret, plain))
}

function hidden(value: Json, digest: Digest): Json {
  if (value === null) return null
  return digest(typeof value === 'string' ? value : canonicalJson(value))
}
