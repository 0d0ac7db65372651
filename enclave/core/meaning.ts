import type { AttributeKind } from './catalog.ts'
import { canonicalJson, isObject, type Json } from './json.ts'
import { normalPolicy, parseDocument, withoutOrder } from './policy.ts'

/** What CloudTrail writes in the place of a value that it does not show. */
const REDACTED = /^(?:HIDDEN_DUE_TO_SECURITY_REASONS|<sensitiveDataRemoved>|\*{4,})$/

interface Meaning {
  /** The same for values that mean the same to the provider. */
  normal(value: Json): Json
  /** The value as a finding shows it. */
  shown(value: Json): Json
}

const whole = (value: Json): Json => value
const isUnset = (value: Json): boolean => value === null || value === ''

/** A key with an empty value is there; one without is not. */
const inMap: Meaning = { normal: (value) => (value === null ? null : scalar(value)), shown: whole }

const MEANINGS: Readonly<Record<AttributeKind, Meaning>> = {
  string: {
    normal: (value) => (isUnset(value) ? null : scalar(value)),
    shown: (value) => (value === '' ? null : value),
  },
  bool: {
    // The provider reads an unset flag as false.
    normal: (value) => (isUnset(value) ? false : flag(value)),
    shown: (value) => (isUnset(value) ? null : flag(value)),
  },
  number: {
    normal: (value) => (isUnset(value) ? null : number(value)),
    shown: (value) => (isUnset(value) ? null : number(value)),
  },
  map: inMap,
  tags: inMap,
  policy: { normal: (value) => document(value, normalPolicy), shown: (value) => documentText(value) },
  unordered_json: { normal: (value) => document(value, withoutOrder), shown: (value) => documentText(value) },
  list: { normal: (value) => blocks(value).map(prune), shown: whole },
  set: { normal: (value) => withoutOrder(blocks(value).map(prune)), shown: whole },
}

/** Whether two values of an attribute mean the same to the provider. */
export const isSame = (kind: AttributeKind, a: Json, b: Json): boolean =>
  canonicalJson(MEANINGS[kind].normal(a)) === canonicalJson(MEANINGS[kind].normal(b))

/** An attribute's value as a finding shows it. */
export const shown = (kind: AttributeKind, value: Json): Json => MEANINGS[kind].shown(value)

/** Whether any part of a value is one of CloudTrail's blanks. */
export function isRedacted(value: Json): boolean {
  if (typeof value === 'string') return REDACTED.test(value)
  if (typeof value !== 'object' || value === null) return false
  return (isObject(value) && value['omitted'] === true) || Object.values(value).some(isRedacted)
}

/** What came and what went between two lists of blocks. */
export function delta(old: Json, now: Json): { readonly added: readonly Json[]; readonly removed: readonly Json[] } {
  return { added: without(blocks(now), blocks(old)), removed: without(blocks(old), blocks(now)) }
}

const scalar = (value: Json): Json => (typeof value === 'object' ? canonicalJson(value) : String(value))

function flag(value: Json): Json {
  if (value === 'true') return true
  return value === 'false' ? false : value
}

function number(value: Json): Json {
  return typeof value === 'string' && Number.isFinite(Number(value)) ? Number(value) : value
}

function documentText(value: Json): Json {
  if (isUnset(value)) return null
  const parsed = parseDocument(value)
  return parsed === undefined ? value : canonicalJson(parsed)
}

function document(value: Json, normalise: (document: Json) => Json): Json {
  if (isUnset(value)) return null
  const parsed = parseDocument(value)
  return parsed === undefined ? value : normalise(parsed)
}

const blocks = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [])

/** A block without what is empty, its scalars as text: `30` and `"30"`, `[]` and nothing are one. */
function prune(block: Json): Json {
  if (Array.isArray(block)) return block.map(prune)
  if (!isObject(block)) return block === null ? null : scalar(block)
  const members = Object.entries(block).map(([name, value]) => [name, prune(value)] as const)
  return Object.fromEntries<Json>(members.filter(([, value]) => !isEmpty(value)))
}

const isEmpty = (value: Json): boolean => isUnset(value) || (Array.isArray(value) && value.length === 0)

function without(these: readonly Json[], those: readonly Json[]): readonly Json[] {
  const left = those.map((block) => canonicalJson(prune(block)))
  return these.filter((block) => {
    const at = left.indexOf(canonicalJson(prune(block)))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
