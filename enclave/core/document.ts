import { canonicalJson, isObject, isWithinDepth, type Json, type JsonObject } from './json.ts'

/** Real documents nest below 8; dashboards and state machines below 20. */
const MAX_DEPTH = 32
/** What IAM answers is URL-encoded: it begins with a brace, or with white space. */
const ENCODED = /^%(?:7B|5B|20|0A|0D|09)/i

/** A JSON document that comes as text, URL-encoded or not, or already parsed; undefined when it is neither. */
export function parseDocument(value: Json): Json | undefined {
  let document = value
  if (typeof value === 'string') {
    try {
      // JSON.parse gives Json and nothing else.
      document = JSON.parse(ENCODED.test(value) ? decodeURIComponent(value) : value) as Json
    } catch {
      return undefined
    }
  }
  return typeof document === 'object' && document !== null && isWithinDepth(document, MAX_DEPTH) ? document : undefined
}

/** The same for two documents of which one has in quotes what is a number or a flag in the other. */
export function asTexts(document: Json): Json {
  if (isList(document)) return document.map(asTexts)
  if (isObject(document)) return mapValues(document, asTexts)
  return document === null ? null : String(document)
}

/** The same for two documents that differ in the order of their arrays only. */
export function withoutOrder(document: Json): Json {
  if (Array.isArray(document)) return sorted(document.map(withoutOrder))
  return isObject(document) ? mapValues(document, withoutOrder) : document
}

export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/** One value is a list of one. */
export function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

/** Each member once, in one order. */
export function setOf(value: Json): Json {
  const members = listOf(value)
  if (members.length < 2) return members // as most have
  const byText = new Map(members.map((member) => [canonicalJson(member), member]))
  return sorted([...byText.values()])
}

export function sorted(values: readonly Json[]): readonly Json[] {
  if (values.length < 2) return values
  const keyed = values.map((value) => ({ text: canonicalJson(value), value }))
  return keyed.sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text))).map(({ value }) => value)
}

export function mapValues(object: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}
