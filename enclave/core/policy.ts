import { canonicalJson, isObject, isWithinDepth, type Json, type JsonObject } from './json.ts'

/** Real policies nest below 8. */
const MAX_DEPTH = 32
/** IAM's default for a policy that names none. */
const DEFAULT_VERSION = '2008-10-17'
const ROOT_ARN = /^arn:aws[\w-]*:iam::(\d{12}):root$/

/** A JSON document that comes as text or already parsed; undefined when it is neither. */
export function parseDocument(value: Json): Json | undefined {
  let document = value
  if (typeof value === 'string') {
    try {
      // JSON.parse gives Json and nothing else.
      document = JSON.parse(value) as Json
    } catch {
      return undefined
    }
  }
  return typeof document === 'object' && document !== null && isWithinDepth(document, MAX_DEPTH) ? document : undefined
}

/** The same for two IAM policies that mean the same: order, scalar or list and principal forms do not count. */
export function normalPolicy(document: Json): Json {
  if (!isObject(document)) return document
  return {
    ...document,
    Version: document['Version'] ?? DEFAULT_VERSION,
    Statement: sorted(listOf(document['Statement']).map(normalStatement)),
  }
}

/** The same for two documents that differ in the order of their arrays only. */
export function withoutOrder(document: Json): Json {
  if (Array.isArray(document)) return sorted(document.map(withoutOrder))
  return isObject(document) ? mapValues(document, withoutOrder) : document
}

const FIELDS: ReadonlyMap<string, (value: Json) => Json> = new Map([
  ['Action', normalActions],
  ['NotAction', normalActions],
  ['Resource', normalSet],
  ['NotResource', normalSet],
  ['Principal', normalPrincipal],
  ['NotPrincipal', normalPrincipal],
  ['Condition', normalCondition],
])

function normalStatement(statement: Json): Json {
  if (!isObject(statement)) return statement
  const { Sid: sid, ...rest } = statement
  const normal = Object.entries(rest).map(([field, value]) => [field, FIELDS.get(field)?.(value) ?? value])
  return { ...(Object.fromEntries(normal) as JsonObject), ...(sid === undefined || sid === '' ? {} : { Sid: sid }) }
}

/** IAM does not look at the case of an action. */
function normalActions(value: Json): Json {
  return normalSet(listOf(value).map((action) => (typeof action === 'string' ? action.toLowerCase() : action)))
}

/** `"*"` and `{"AWS": "*"}` are one, and so are an account and its root's ARN. */
function normalPrincipal(value: Json): Json {
  const principals = isObject(value) ? value : { AWS: value }
  return mapValues(principals, (ids) =>
    normalSet(listOf(ids).map((id) => (typeof id === 'string' ? id.replace(ROOT_ARN, '$1') : id))),
  )
}

/** Condition values are sets of strings: `true` and `"true"` are one. */
function normalCondition(value: Json): Json {
  if (!isObject(value)) return value
  return mapValues(value, (keys) =>
    isObject(keys) ? mapValues(keys, (values) => normalSet(listOf(values).map(scalarText))) : keys,
  )
}

const scalarText = (value: Json): Json =>
  typeof value === 'boolean' || typeof value === 'number' ? String(value) : value

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)

const listOf = (value: Json | undefined): readonly Json[] => {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

function normalSet(value: Json): Json {
  const byText = new Map(listOf(value).map((member) => [canonicalJson(member), member]))
  return sorted([...byText.values()])
}

function sorted(values: readonly Json[]): readonly Json[] {
  const keyed = values.map((value) => ({ text: canonicalJson(value), value }))
  return keyed.sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text))).map(({ value }) => value)
}

function mapValues(object: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}
