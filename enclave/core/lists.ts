import { isObject, type Json, type JsonObject } from './json.ts'
import { isRedacted } from './meaning.ts'

// The forms in which records hold lists, tags and their keys.

/** Takes a value one step towards Terraform's form; undefined when it is not of the form that the step reads. */
export type Step = (value: Json) => Json | undefined

/** What calls of the form `<Action>Request` make of a scalar: `{"tag": 1, "content": "vpc-1"}`. */
export function plain(value: Json | undefined): Json | undefined {
  return isObject(value) && value['content'] !== undefined && value['tag'] !== undefined ? value['content'] : value
}

/**
 * A list in any of CloudTrail's forms: an array, `{items: […]}`, `{quantity, items}`, `{member: […]}`; an empty one is `{}`,
 * or "" in XML, and one element may stand for itself.
 */
export function listOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value.map((element: Json) => plain(element) ?? null)
  if (!isObject(value)) return value === '' || value === null ? [] : [value]
  const inner = value['items'] ?? value['Items'] ?? value['member'] ?? value['item']
  if (inner !== undefined) return listOf(inner)
  return Object.keys(value).every((key) => key === 'quantity' || key === 'Quantity') ? [] : [value]
}

/** The spellings of a tag, and of the attributes of load balancers, of parameters, of settings. */
const KEYS = ['key', 'Key', 'tagKey', 'TagKey', 'name', 'Name', 'parameterName', 'attributeName'] as const
const VALUES = ['value', 'Value', 'tagValue', 'TagValue', 'parameterValue', 'attributeValue'] as const

const first = (object: JsonObject, names: readonly string[]): Json | undefined => {
  for (const name of names) if (object[name] !== undefined) return object[name]
  return undefined
}

/** A list of keys and values in any of AWS's spellings, or a map, to a map; what CloudTrail hides where it hides a key. */
export const readTags = (value: Json): Json | undefined => readPairs(value, '')

/** The same of keys to remove, some only with a value: null stands for any. */
export const readExact = (value: Json): Json | undefined => readPairs(value, null)

function readPairs(value: Json, missing: Json): Json | undefined {
  if (isMap(value)) return value
  const pairs = listOf(value).map((tag) =>
    isObject(tag) ? ([first(tag, KEYS), first(tag, VALUES) ?? missing] as const) : [],
  )
  if (!pairs.every(([key]) => typeof key === 'string')) return undefined
  const map = Object.fromEntries(pairs) as JsonObject
  return Object.keys(map).find(isRedacted) ?? map
}

const isMap = (value: Json): boolean =>
  isObject(value) && Object.keys(value).length > 0 && !isPair(value) && value['items'] === undefined

/** A key and its value, by themselves. The most usual key of a map is `Name`, which alone makes no pair. */
const isPair = (value: JsonObject): boolean =>
  first(value, ['name', 'Name']) === undefined ? first(value, KEYS) !== undefined : first(value, VALUES) !== undefined

/** A list of map keys: plain texts, or tags without values; a map is one of keys and the values with which they go. */
export function readKeys(value: Json): Json | undefined {
  if (isMap(value)) return value
  const keys = listOf(value).map((key) => (isObject(key) ? first(key, KEYS) : key))
  return keys.every((key) => typeof key === 'string') ? keys : undefined
}
