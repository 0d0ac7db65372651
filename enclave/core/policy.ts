import { dropOldest } from './bounded.ts'
import { listOf, mapValues, parseDocument, setOf } from './document.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** IAM's default for a policy that names none. */
const DEFAULT_VERSION = '2008-10-17'
const ROOT_ARN = /^arn:aws[\w-]*:iam::(\d{12}):root$/

/** Texts of policies whose meaning is remembered: a call's is compared, and each rule on policies looks at it again. */
const MAX_KNOWN = 16

const known = new Map<string, Json | undefined>()

/** What an IAM policy means; undefined for what is none. */
export function policyIn(value: Json): Json | undefined {
  if (typeof value !== 'string') return read(value)
  const policy = known.getOrInsertComputed(value, read)
  dropOldest(known, MAX_KNOWN)
  return policy
}

function read(value: Json): Json | undefined {
  const document = parseDocument(value)
  return document === undefined ? undefined : normalPolicy(document)
}

/** The same for two IAM policies that mean the same: order, scalar or list and principal forms do not count. */
function normalPolicy(document: Json): Json {
  if (!isObject(document)) return document
  return {
    ...document,
    Version: document['Version'] ?? DEFAULT_VERSION,
    Statement: setOf(listOf(document['Statement']).map(normalStatement)),
  }
}

const FIELDS: ReadonlyMap<string, (value: Json) => Json> = new Map([
  ['Action', normalActions],
  ['NotAction', normalActions],
  ['Resource', setOf],
  ['NotResource', setOf],
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
  return setOf(listOf(value).map((action) => (typeof action === 'string' ? action.toLowerCase() : action)))
}

/** `"*"` and `{"AWS": "*"}` are one, and so are an account and its root's ARN. */
function normalPrincipal(value: Json): Json {
  const principals = isObject(value) ? value : { AWS: value }
  return mapValues(principals, (ids) =>
    setOf(listOf(ids).map((id) => (typeof id === 'string' ? id.replace(ROOT_ARN, '$1') : id))),
  )
}

/** IAM does not look at the case of a condition's key. Its values are sets of strings: `true` and `"true"` are one. */
function normalCondition(value: Json): Json {
  if (!isObject(value)) return value
  return mapValues(value, (keys) => {
    if (!isObject(keys)) return keys
    const merged = Map.groupBy(Object.entries(keys), ([key]) => key.toLowerCase())
    return Object.fromEntries(
      Array.from(merged, ([key, members]) => [
        key,
        setOf(members.flatMap(([, values]) => listOf(values).map(scalarText))),
      ]),
    )
  })
}

const scalarText = (value: Json): Json =>
  typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
