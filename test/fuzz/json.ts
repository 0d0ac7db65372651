import { isObject, type Json, type JsonObject } from '../../enclave/core/json.ts'
import type { Random } from './mutate.ts'

/** Values that somebody forgot to think of. */
// prettier-ignore
const ODD: readonly Json[] = [
  null, true, false, 0, -1, 0.5, 1e308, 2 ** 53, '', ' ', '{}', '[]', '{"a":', 'null', '\u0000', '\uD800', 'ａ',
  'x'.repeat(5000), [], {}, [[]], [null], [{}], ['a', 1, null], { '': '' }, { toString: 1, constructor: 2 },
]
const KEYS = ['__proto__', 'constructor', 'length', '', 'items', 'key', 'value', 'arn', '0'] as const
/** How often the value at hand is changed rather than one inside it. */
const HERE = 4

/** The value with one place in it changed: text that is still JSON, and no longer of the shape that was expected. */
export function changeJson(value: Json, all: Json, random: Random): Json {
  const any = <T>(choices: readonly T[]): T => choices[random() % choices.length] as T // no list is empty
  if (random() % HERE === 0 || typeof value !== 'object' || value === null)
    return random() % HERE === 0 ? somewhereIn(all, random) : any(ODD)
  if (!isObject(value)) {
    const items = [...value]
    if (items.length === 0) return [any(ODD)]
    const at = random() % items.length
    return items.with(at, changeJson(items[at] ?? null, all, random))
  }
  const keys = Object.keys(value)
  if (keys.length === 0) return { [any(KEYS)]: any(ODD) }
  const key = any(keys)
  if (random() % 8 === 0) return without(value, key)
  if (random() % 8 === 0) return { ...value, [random() % 2 === 0 ? any(KEYS) : any(keys)]: value[key] ?? null }
  return { ...value, [key]: changeJson(value[key] ?? null, all, random) }
}

const without = (value: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))

/** A part of the whole, put where it does not belong. */
function somewhereIn(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random() % HERE === 0) return value
  const parts: readonly Json[] = Object.values(value)
  return parts.length === 0 ? value : somewhereIn(parts[random() % parts.length] ?? null, random)
}
