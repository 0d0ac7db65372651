import { normalActions } from './actions.ts'
import { normalContainers } from './containers.ts'
import { asTexts, isList, mapValues, parseDocument, sorted, withoutOrder } from './document.ts'
import { normalEventSelectors, shownEventSelectors } from './event_selectors.ts'
import { canonicalJson, isObject, type Json } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { KMS_ALIAS, normalTime, RELATIONS, standardTime, type Spelling } from './names.ts'
import { normalCidr, normalDnsName, normalProtocol } from './network.ts'
import { policyIn } from './policy.ts'
import { normalPermissions, withoutOwner } from './security_groups.ts'
import { alignmentOf, NO_SHAPE, type Alignment, type Shape } from './shape.ts'

/** What CloudTrail writes in the place of a value that it does not show. */
const REDACTED = /^(?:HIDDEN_(?:DUE_TO|FOR)_SECURITY_REASONS|<sensitiveDataRemoved>|\*{3,}(?:OMITTED\*{3})?)$/

interface Meaning {
  /** The same for values that mean the same to the provider. */
  readonly normal: (value: Json) => Json
  /** The value as a finding shows it. */
  readonly shown: (value: Json) => Json
  /** For what is not one form or another: whether two normal values still mean the same. */
  readonly isOne?: (a: string, b: string) => boolean
}

const whole = (value: Json): Json => value
/** Where a call is XML, CloudTrail writes texts that look like numbers or flags as such: a tag `2`, a flag of type string. */
const worded = (value: Json): Json => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value)
const isUnset = (value: Json): boolean => value === null || value === ''

const text = (normalise: (text: string) => string = (same) => same): Meaning => ({
  normal: (value) => (isUnset(value) ? null : normalise(scalar(value))),
  shown: (value) => (value === '' ? null : worded(value)),
})

const related = (kind: keyof typeof RELATIONS): Meaning => ({
  ...text(RELATIONS[kind].normal),
  isOne: RELATIONS[kind].isOne,
})

const document = (normalise: (document: Json) => Json): Meaning => ({
  normal(value) {
    if (isUnset(value)) return null
    const parsed = parseDocument(value)
    return parsed === undefined ? value : normalise(parsed)
  },
  shown(value) {
    if (isUnset(value)) return null
    const parsed = parseDocument(value)
    return parsed === undefined ? value : canonicalJson(parsed)
  },
})

/** A key with an empty value is there; one without is not. */
const map: Meaning = { normal: normalMap, shown: whole }

/** What services call a thing that is not on. */
const isStandard = (value: Json): boolean => value === 'aurora' || value === 'standard'
const isOff = (value: Json): boolean => typeof value === 'string' && /^(?:disabled|off)$/i.test(value)

const MEANINGS: Readonly<Record<AttributeKind, Meaning>> = {
  string: text(),
  bool: {
    // The provider reads an unset flag as false.
    normal: (value) => (isUnset(value) ? false : flag(value)),
    shown: (value) => (isUnset(value) ? null : flag(value)),
  },
  number: {
    // And an unset number as 0.
    normal: (value) => (isUnset(value) ? 0 : number(value)),
    shown: (value) => (isUnset(value) ? null : number(value)),
  },
  number_text: { ...text(), normal: (value) => (isUnset(value) ? null : number(value)) },
  flag_text: { ...text(), normal: (value) => (isUnset(value) ? false : flag(value)) },
  switch: {
    ...text(),
    normal: (value) => (isUnset(value) || isOff(value) ? null : scalar(value)),
  },
  storage_type: {
    ...text(),
    normal: (value) => (isUnset(value) || isStandard(value) ? null : scalar(value)),
  },
  minimum: { normal: (value) => (isUnset(value) ? 1 : number(value)), shown: whole },
  map,
  tags: { normal: normalMap, shown: worded },
  list: { normal: (value) => normalList(value, whole), shown: whole },
  set: { normal: (value) => normalList(value, withoutOrder), shown: whole },
  policy: { normal: (value) => (isUnset(value) ? null : (policyIn(value) ?? value)), shown: document(whole).shown },
  json: document(whole),
  unordered_json: document(withoutOrder),
  loose_json: document(asTexts),
  containers: document(normalContainers),
  actions: { normal: normalActions, shown: whole },
  event_selectors: { normal: normalEventSelectors, shown: shownEventSelectors },
  termination_policies: { normal: (value) => normalBlocks(NO_SHAPE, withoutDefault(value)), shown: whole },
  any_case: text((value) => value.toLowerCase()),
  dns_name: text(normalDnsName),
  dns_names: { normal: (value) => sorted(elements(value).map((name) => normalDnsName(scalar(name)))), shown: whole },
  security_group: text(withoutOwner),
  cidr: text(normalCidr),
  cidrs: { normal: (value) => sorted(elements(value).map((cidr) => normalCidr(scalar(cidr)))), shown: whole },
  protocol: text(normalProtocol),
  time: { ...text(normalTime), shown: (value) => (isUnset(value) ? null : standardTime(scalar(value))) },
  time_zone: { ...text(), normal: (value) => (isUnset(value) || value === 'Etc/UTC' ? 'UTC' : scalar(value)) },
  arn_or_name: related('arn_or_name'),
  kms_key: related('kms_key'),
  version: related('version'),
  permissions: { normal: normalPermissions, shown: whole },
}

/** Whether two values of an attribute mean the same to the provider; with its shape, also in what lies inside. */
export function isSame(of: AttributeKind | Shape, a: Json, b: Json): boolean {
  if (typeof of === 'object' && (of.kind === 'list' || of.kind === 'set'))
    return (
      elements(a).length === elements(b).length && canonicalJson(aligned(of, a, b)) === canonicalJson(aligned(of, b, a))
    )
  const { normal, isOne } = MEANINGS[typeof of === 'object' ? of.kind : of]
  const [one, other] = [normal(a), normal(b)]
  if (isOne !== undefined && typeof one === 'string' && typeof other === 'string') return isOne(one, other)
  return isEqual(one, other)
}

/** Whether nothing in a record or a state tells if two values that differ are the same: a key's alias and its id. */
export const isUndecided = (kind: AttributeKind, a: Json, b: Json): boolean =>
  kind === 'kms_key' &&
  typeof a === 'string' &&
  typeof b === 'string' &&
  a !== '' &&
  b !== '' &&
  KMS_ALIAS.test(a) !== KMS_ALIAS.test(b)

/** Blocks whose texts, numbers and flags are what the schema has them for, whatever XML made of them in a record. */
export function typed(shape: Shape, value: Json): Json {
  if (shape.kind === 'tags' && isObject(value)) return mapValues(value, worded)
  if (shape.kind !== 'list' && shape.kind !== 'set') return isTyped(shape.kind) ? shown(shape.kind, value) : value
  if (isList(value)) return value.map((one) => typed(shape, one))
  if (!isObject(value)) return value
  const member = ([name, inner]: [string, Json]): [string, Json] => {
    const of = shape.inner(name)
    return [name, of === undefined || isUnset(inner) ? inner : typed(of, inner)]
  }
  return Object.fromEntries(Object.entries(value).map(member))
}

const isTyped = (kind: AttributeKind): boolean => kind === 'string' || kind === 'number' || kind === 'bool'

/** An attribute's value as a finding shows it. */
export const shown = (kind: AttributeKind, value: Json): Json => MEANINGS[kind].shown(value)

/** Whether any part of a value is one of CloudTrail's blanks. */
export function isRedacted(value: Json): boolean {
  if (typeof value === 'string') return REDACTED.test(value)
  if (typeof value !== 'object' || value === null) return false
  return (isObject(value) && value['omitted'] === true) || Object.values(value).some(isRedacted)
}

/** What came and what went between two lists of blocks. */
export function delta(
  old: Json,
  now: Json,
  shape: Shape = NO_SHAPE,
): { readonly added: readonly Json[]; readonly removed: readonly Json[] } {
  return { added: without(now, old, shape), removed: without(old, now, shape) }
}

function without(these: Json, those: Json, shape: Shape): readonly Json[] {
  if (elements(those).length === 0) return elements(these)
  const alignment = alignmentOf(shape, elements(these), elements(those))
  const isPlain = shape.kind === 'list' || shape.kind === 'set'
  const key = (block: Json): string =>
    canonicalJson(isPlain ? normalBlock(shape, block, alignment) : MEANINGS[shape.kind].normal([block]))
  const left = Map.groupBy(elements(those).map(key), whole) as Map<string, string[]> // a text is its own key
  return elements(these).filter((block) => left.get(key(block))?.pop() === undefined)
}

/** The blocks of one side, without what the provider computes and the other side does not say. */
function aligned(shape: Shape, side: Json, other: Json): Json {
  return normalBlocks(shape, side, alignmentOf(shape, elements(side), elements(other)))
}

/** Deeper than the schema is kept, a field of a block has the block's kind, and may be no list. */
const normalList = (value: Json, order: (list: Json) => Json): Json =>
  isUnset(value) || isList(value) ? order(normalBlocks(NO_SHAPE, value)) : normalElement(value)

function normalBlocks(shape: Shape, value: Json, alignment: Alignment = new Map()): Json {
  const blocks = elements(value).map((block) => normalBlock(shape, block, alignment))
  return shape.kind === 'set' ? sorted(blocks) : blocks
}

/** A block without what is unset, its scalars as text: `30` and `"30"`, `[]` and nothing are one. */
function normalBlock(shape: Shape, block: Json, alignment: Alignment): Json {
  if (!isObject(block)) return normalElement(block)
  const members = Object.entries(block).flatMap(([name, value]): (readonly [string, Json])[] => {
    const against = alignment.get(name)
    if (against === 'ignored') return []
    const normal = normalMember(shape.inner(name), value, against)
    return normal === undefined ? [] : [[name, normal]]
  })
  return Object.fromEntries<Json>(members)
}

/** Undefined for what the provider does not tell from nothing. */
function normalMember(
  shape: Shape | undefined,
  value: Json,
  against: Alignment | Spelling | undefined,
): Json | undefined {
  if (shape === undefined) {
    const pruned = normalElement(value)
    return isEmpty(pruned) ? undefined : pruned
  }
  if (shape.kind === 'list' || shape.kind === 'set') {
    const blocks = normalBlocks(shape, value, typeof against === 'function' ? undefined : against)
    return isEmpty(blocks) ? undefined : blocks
  }
  const { normal } = MEANINGS[shape.kind]
  const own = normal(value)
  if (isEqual(own, normal(null))) return undefined
  return typeof own === 'string' && typeof against === 'function' ? against(own) : own
}

/** What no schema describes. */
function normalElement(value: Json): Json {
  if (isList(value)) return value.map(normalElement)
  if (!isObject(value)) return value === null ? null : scalar(value)
  return Object.fromEntries<Json>(
    Object.entries(mapValues(value, normalElement)).filter(([, inner]) => !isEmpty(inner)),
  )
}

function normalMap(value: Json): Json {
  if (!isObject(value)) return value === null ? null : scalar(value)
  return Object.keys(value).length === 0 ? null : mapValues(value, normalMap)
}

/** Most values are scalars, or are compared with nothing: no text is made of those. */
const isEqual = (a: Json, b: Json): boolean =>
  isScalar(a) || isScalar(b) ? a === b : canonicalJson(a) === canonicalJson(b)

/** Auto Scaling answers with it where nothing was said, which the provider takes for nothing. */
const withoutDefault = (value: Json): Json =>
  isList(value) && value.length === 1 && value[0] === 'Default' ? [] : value

const isScalar = (value: Json): boolean => typeof value !== 'object' || value === null
const isEmpty = (value: Json): boolean => isUnset(value) || (isList(value) && value.length === 0)
const elements = (value: Json): readonly Json[] => (isList(value) ? value : [])
const scalar = (value: Json): string => (typeof value === 'object' ? canonicalJson(value) : String(value))

function flag(value: Json): Json {
  if (value === 'true') return true
  return value === 'false' ? false : value
}

function number(value: Json): Json {
  return typeof value === 'string' && Number.isFinite(Number(value)) ? Number(value) : value
}
