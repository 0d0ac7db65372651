import { isObject, type Json, type JsonObject } from './json.ts'
import { listOf, plain, readExact, readKeys, readTags, type Step } from './lists.ts'
import { isRedacted } from './meaning.ts'
import { normalDnsName } from './network.ts'
import { methodOf, wholeMethodOf } from './patch.ts'
import { standsAt, upperFirst } from './place.ts'

/** The last second that a date can hold. */
const LAST_SECOND = 8.64e12

const text =
  (convert: (value: string) => Json | undefined): Step =>
  (value) =>
    typeof value === 'string' ? convert(value) : undefined

/** The steps that take no argument, by the names that `read:` uses. */
export const STEPS: ReadonlyMap<string, Step> = new Map<string, Step>([
  ['value', (value) => value],
  ['list', listOf],
  ['tags', readTags],
  ['keys', readKeys],
  ['exact', readExact],
  ['first', (value) => listOf(value)[0]],
  ['only', (value) => (listOf(value).length === 1 ? listOf(value)[0] : undefined)],
  [
    'not',
    (value) => (value === true || value === 'true' ? false : value === false || value === 'false' ? true : undefined),
  ],
  ['json', text(parsed)],
  ['url', text(unescaped)],
  ['base64', text(decoded)],
  ['last', text((value) => value.slice(Math.max(value.lastIndexOf('/'), value.lastIndexOf(':')) + 1))],
  ['dns', text(normalDnsName)],
  ['unquoted', (value) => (Array.isArray(value) ? value.map(unquoted) : unquoted(value))],
  ['method', text(methodOf)],
  ['whole_method', text(wholeMethodOf)],
  ['joined', joined],
  ['filled', filled],
  ['names', (value) => (isObject(value) ? Object.keys(value) : undefined)],
  ['values', (value) => (isObject(value) ? Object.values(value) : undefined)],
  [
    'entries',
    (value) => (isObject(value) ? Object.entries(value).map(([key, of]) => ({ key, value: of })) : undefined),
  ],
  ['lower', text((value) => value.toLowerCase())],
  ['upper', text((value) => value.toUpperCase())],
  ['moment', moment],
  ['folder', text((value) => (value.endsWith('/') ? value : `${value}/`))],
])

/** Seconds since 1970 as RFC 3339 has them; any other form of a moment stays. */
function moment(value: Json): Json {
  if (typeof value !== 'number' || Math.abs(value) > LAST_SECOND) return value
  return new Date(value * 1000).toISOString().replace('.000Z', 'Z')
}

/** A map without the keys that an empty value removes. */
function filled(value: Json): Json | undefined {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== '')) : undefined
}

/** Systems Manager's parameters are lists, of which the provider makes texts. */
function joined(value: Json): Json | undefined {
  if (!isObject(value)) return undefined
  return Object.fromEntries<Json>(
    Object.entries(value).map(([key, values]) => [
      key,
      Array.isArray(values) ? (values.find(isRedacted) ?? values.join(',')) : values,
    ]),
  )
}

function parsed(value: string): Json | undefined {
  try {
    // JSON.parse gives Json and nothing else.
    return JSON.parse(value) as Json
  } catch {
    return undefined
  }
}

/** The text in Base64 (RFC 4648, section 4); undefined where there is none, or bytes that are no text. */
function decoded(value: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.fromBase64(value))
  } catch {
    return undefined
  }
}

/** Text without the quotes around it. */
const unquoted = (value: Json): Json =>
  typeof value === 'string' && /^".*"$/s.test(value) ? value.slice(1, -1) : value

/** Text without `%20`; undefined where it is badly escaped. */
export function unescaped(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** The value of one key in a list of keys and values. */
export const pick =
  (key: string): Step =>
  (value) => {
    const map = readTags(value)
    return isObject(map) && Object.hasOwn(map, key) ? map[key] : undefined
  }

/** One field of each element; a text stands for itself. */
export const pluck =
  (names: readonly string[]): Step =>
  (value) =>
    listOf(value).map((element) => (isObject(element) ? (plain(standsAt(element, names)) ?? null) : element))

/** The elements that have these values. */
export const where =
  (fields: JsonObject): Step =>
  (value) =>
    listOf(value).filter(
      (element) =>
        isObject(element) &&
        Object.entries(fields).every(([name, wanted]) => isAlike(standsAt(element, [name]) ?? null, wanted)),
    )

/** The elements that have these values of none of the mappings. */
export const without = (...fields: readonly JsonObject[]): Step => {
  const among = fields.map(where)
  return (value) => {
    const gone = new Set(among.flatMap((some) => listOf(some(value) ?? null)))
    return listOf(value).filter((element) => !gone.has(element))
  }
}

/** The member of that name of each element that has it, with the element's position, counted from 1. */
export const placed =
  (name: string): Step =>
  (value) =>
    listOf(value).flatMap((element, at) => {
      const member = isObject(element) ? standsAt(element, [name]) : undefined
      return isObject(member) ? [{ ...member, position: at + 1 }] : []
    })

/** Whether two scalars are one, whatever their type: `5` and `"5"`. */
const isAlike = (a: Json, b: Json): boolean => typeof a !== 'object' && typeof b !== 'object' && String(a) === String(b)

/** Another word for each: `Enabled` to true. `*` stands for all others. */
export const translate =
  (words: JsonObject): Step =>
  (value) => {
    const word = typeof value === 'object' ? '*' : String(value)
    return Object.hasOwn(words, word) ? words[word] : words['*']
  }

/** What follows a text; undefined where it does not occur. */
export const after = (mark: string): Step =>
  text((value) => (value.includes(mark) ? value.slice(value.indexOf(mark) + mark.length) : undefined))

/** What stands before a text, or all where it does not occur. */
export const before = (mark: string): Step => text((value) => value.split(mark, 1)[0])

export const split = (mark: string): Step =>
  text((value) => (value === '' ? [] : value.split(mark).map((part) => part.trim())))

const counted =
  (count: (number: number) => number): Step =>
  (value) => {
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? count(number) : undefined
  }

export const times = (factor: number): Step => counted((number) => number * factor)

export const plus = (more: number): Step => counted((number) => number + more)

/**
 * Structures as Terraform's blocks, to any depth: members by the same names in snake case, or by others where they differ.
 * Of names that are the same, null stands for a member that says nothing when it is empty, true for a map, whose keys stay.
 */
export function snake(others: JsonObject): Step {
  const member = (name: string, value: Json): readonly (readonly [string, Json])[] => {
    const own = snakeCase(name)
    const other = Object.hasOwn(others, own) ? others[own] : own
    if (other === true) return [[own, value]]
    if (other === null && isObject(value) && Object.keys(value).length === 0) return []
    return [[typeof other === 'string' ? other : own, isObject(value) ? [block(value)] : block(value)]]
  }
  const block = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(block)
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => member(name, inner)))
  }
  return block
}

/** `iPSetForwardedIPConfig`, which is CloudTrail's for `IPSetForwardedIPConfig`, to `ip_set_forwarded_ip_config`. */
const snakeCase = (name: string): string =>
  upperFirst(name)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
