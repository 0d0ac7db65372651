import { methodName } from './identity.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { listOf, type Step } from './lists.ts'

/**
 * What API Gateway's patch operations leave at a path; "" where they remove it, or replace it with nothing. What they copy
 * to it from elsewhere only the answer says.
 */
export const patch =
  (path: string): Step =>
  (value) => {
    const last = listOf(value).findLast((operation) => isObject(operation) && operation['path'] === path)
    if (!isObject(last) || last['op'] === 'copy') return undefined
    return last['op'] === 'remove' ? '' : (last['value'] ?? '')
  }

/** What patch operations set below a path, by key. */
export const patched =
  (path: string): Step =>
  (value) => {
    const members = below(path, value).flatMap(([key, { op, value: now }]) =>
      op === 'remove' ? [] : [[key, now ?? '']],
    )
    return members.length > 0 ? (Object.fromEntries(members) as JsonObject) : undefined
  }

/** The keys below a path that patch operations remove. */
export const unpatched =
  (path: string): Step =>
  (value) => {
    const keys = below(path, value).flatMap(([key, { op }]) => (op === 'remove' ? [key] : []))
    return keys.length > 0 ? keys : undefined
  }

/** The patch operations on what lies below a path, with its key, which is a JSON pointer's (RFC 6901, section 4). */
const below = (path: string, value: Json): readonly (readonly [string, JsonObject])[] =>
  listOf(value).flatMap((operation) => {
    if (!isObject(operation)) return []
    const { path: at } = operation
    if (typeof at !== 'string' || !at.startsWith(path)) return []
    return [[at.slice(path.length).replaceAll('~1', '/').replaceAll('~0', '~'), operation] as const]
  })

const WHOLE_METHOD = /^\/(?!variables\/|canarySettings\/).+\/(?:\*|ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$/

/** API Gateway's method in the path of all its settings in a stage, which may be those of every method. */
export const wholeMethodOf = (path: string): string | undefined =>
  WHOLE_METHOD.test(path) ? methodName(path) : undefined

/** API Gateway's method in the path of one of its settings in a stage: `pets/GET` in `/~1pets/GET/logging/loglevel`. */
export function methodOf(path: string): string | undefined {
  const parts = path.split('/').slice(1, -2)
  return parts.length > 0 ? methodName(parts.join('/')) : undefined
}
