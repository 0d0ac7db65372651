import { RE2JS, RE2JSException } from 're2js'
import { isList } from '../document.ts'
import { isObject, type Json } from '../json.ts'
import { isSameValue, isUnset, textOf, type Pair } from './values.ts'

/** What an operator asks of the values at a path; none means that nothing is there. */
export type Test = (values: readonly Json[]) => boolean

/** A list, and each of its members. */
const each = (value: Json): readonly Json[] => (isList(value) ? [value, ...value] : [value])

const someOf =
  (holds: (value: Json) => boolean): Test =>
  (values) =>
    values.some((value) => each(value).some(holds))

const equals = (wanted: Json): Test => {
  const some = someOf((value) => isSameValue(value, wanted))
  return isSameValue(wanted, null) ? (values) => values.length === 0 || some(values) : some
}

const compares =
  (holds: (value: number, limit: number) => boolean) =>
  (limit: number): Test =>
    someOf((value) => {
      const number = numberOf(value)
      return number !== undefined && holds(number, limit)
    })

/** Operators that compare with a value of any kind. */
export const VALUE_OPERATORS = {
  equals,
  not_equals: (wanted: Json): Test => {
    const test = equals(wanted)
    return (values) => !test(values)
  },
  contains: (wanted: Json): Test => {
    const text = textOf(wanted)
    return (values) =>
      values.some((value) => {
        if (isList(value)) return value.some((member) => isSameValue(member, wanted))
        return isObject(value) ? Object.hasOwn(value, text) : textOf(value).includes(text)
      })
  },
} as const satisfies Readonly<Record<string, (wanted: Json) => Test>>

/** Operators that compare with a number. */
export const NUMBER_OPERATORS = {
  greater_than: compares((value, limit) => value > limit),
  greater_or_equal: compares((value, limit) => value >= limit),
  less_than: compares((value, limit) => value < limit),
  less_or_equal: compares((value, limit) => value <= limit),
} as const satisfies Readonly<Record<string, (limit: number) => Test>>

export const inList = (wanted: readonly Json[]): Test => {
  const tests = wanted.map(equals)
  return (values) => tests.some((test) => test(values))
}

/** Whether `matching` takes a pattern. */
export function isPattern(pattern: string): boolean {
  try {
    RE2JS.compile(pattern)
    return true
  } catch (error) {
    if (error instanceof RE2JSException) return false
    throw error
  }
}

/** RE2's syntax and its time, which is linear in the text whatever the pattern. */
export function matching(pattern: string): Test {
  const compiled = RE2JS.compile(pattern)
  return someOf((value) => compiled.test(textOf(value)))
}

export const exists: Test = (values) => values.length > 0

/** Operators on a change as such. */
export const CHANGE_OPERATORS = {
  increased: ({ old, now }: Pair) => isAscending(old, now),
  decreased: ({ old, now }: Pair) => isAscending(now, old),
} as const satisfies Readonly<Record<string, (pair: Pair) => boolean>>

/** What came into a list, set, map or text, and with the two sides exchanged what left it. */
export function cameIn(old: Json, now: Json, wanted: Json | undefined): boolean {
  const [before, after] = [membersOf(old), membersOf(now)]
  const came = after.filter((member) => !before.some((other) => isSameValue(member, other)))
  return wanted === undefined ? came.length > 0 : came.some((member) => isSameValue(member, wanted))
}

function membersOf(value: Json): readonly Json[] {
  if (isUnset(value)) return []
  if (isList(value)) return value
  return isObject(value) ? Object.keys(value) : [value]
}

function isAscending(from: Json, to: Json): boolean {
  const [a, b] = [numberOf(from), numberOf(to)]
  return a !== undefined && b !== undefined && a < b
}

export function numberOf(value: Json): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined
}
