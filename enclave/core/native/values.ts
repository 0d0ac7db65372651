import { isUnseen, type Finding } from '../finding.ts'
import { canonicalJson, isObject, type Json } from '../json.ts'
import { isInside, splitPath } from '../path.ts'
import type { Subject } from '../rule.ts'

/** One attribute's old and new value. `isUnseen`: the record does not show the new one. */
export interface Pair {
  readonly path: string
  readonly old: Json
  readonly now: Json
  readonly isUnseen: boolean
}

/** What a finding says of the attribute at a path: of itself, of what lies in it, or of the whole that it lies in. */
export function changesAt(finding: Finding, path: string): readonly Pair[] {
  const { changes } = finding
  const pairs: Pair[] = []
  for (const changed in changes) {
    const [old, now] = changes[changed] ?? [null, null]
    if (isInside(changed, path)) pairs.push({ path: changed, old, now, isUnseen: isUnseen(finding, changed) })
    else if (isInside(path, changed)) {
      const rest = below(path, changed)
      const pair = {
        path,
        old: only(spread(old, rest)),
        now: only(spread(now, rest)),
        isUnseen: isUnseen(finding, changed),
      }
      if (pair.isUnseen || canonicalJson(pair.old) !== canonicalJson(pair.now)) pairs.push(pair)
    }
  }
  return pairs
}

/** What the resource has at a path once the event is over: what the finding says, and for the rest what its state says. */
export function valuesAt({ finding, attribute }: Subject, path: string): readonly Json[] {
  const root = splitPath(path)[0] ?? path
  const whole = Object.hasOwn(finding.changes, root) ? finding.changes[root]?.[1] : attribute?.(root)
  let value = whole ?? null
  for (const [changed, [, now]] of Object.entries(finding.changes))
    if (changed !== root && isInside(changed, root)) value = withValue(value, below(changed, root), now)
  return spread(value, below(path, root)).filter((found) => !isUnset(found))
}

/** Terraform's three ways of saying nothing. */
export const isUnset = (value: Json): boolean => value === null || value === ''

/** Whether two values are one to Terraform, which writes `30` and `"30"`, and whose unset flags are false. */
export function isSameValue(a: Json, b: Json): boolean {
  if (isFalse(a) && isUnset(b)) return true
  if (isFalse(b) && isUnset(a)) return true
  return textOf(a) === textOf(b)
}

/** A list of blocks leads to each of its blocks. */
export function spread(value: Json, names: readonly string[]): readonly Json[] {
  let at = value
  for (const [depth, name] of names.entries()) {
    if (Array.isArray(at)) return at.flatMap((member: Json) => spread(member, names.slice(depth)))
    if (!isObject(at) || !Object.hasOwn(at, name)) return []
    at = at[name] ?? null
  }
  return [at]
}

export function textOf(value: Json): string {
  if (isUnset(value)) return ''
  return typeof value === 'object' ? canonicalJson(value) : String(value)
}

const isFalse = (value: Json): boolean => value === false || value === 'false'

const below = (path: string, root: string): readonly string[] => splitPath(path).slice(splitPath(root).length)

/** Several values at one path are their list. */
const only = (values: readonly Json[]): Json => (values.length > 1 ? values : (values[0] ?? null))

/** The value with another in the place that names lead to; a block that occurs once may be in a list of one. */
function withValue(value: Json, [name, ...rest]: readonly string[], now: Json): Json {
  if (name === undefined) return now
  if (Array.isArray(value) && value.length === 1)
    return [withValue((value as readonly Json[])[0] ?? null, [name, ...rest], now)]
  const members = isObject(value) ? value : {}
  return { ...members, [name]: withValue(Object.hasOwn(members, name) ? (members[name] ?? null) : null, rest, now) }
}
