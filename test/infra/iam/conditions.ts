import { type Conditions, isLike, isLikeArn, many, type OneOrMany, PolicyError } from './policy.ts'

/** The keys of one request. Most have one value; a key with a list is what ForAllValues and ForAnyValue are for. */
export type Context = Readonly<Record<string, OneOrMany>>

type Matches = (wanted: string, given: string) => boolean

const numbers = (compare: (given: number, wanted: number) => boolean): Matches => {
  const read = (text: string) => {
    const value = Number(text)
    if (text.trim() === '' || Number.isNaN(value)) throw new PolicyError(`not a number: ${text}`)
    return value
  }
  return (wanted, given) => compare(read(given), read(wanted))
}
const dates = (compare: (given: number, wanted: number) => boolean): Matches => {
  const read = (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
    if (Number.isNaN(value)) throw new PolicyError(`not a date: ${text}`)
    return value
  }
  return (wanted, given) => compare(read(given), read(wanted))
}
const COMPARISONS: readonly (readonly [string, (given: number, wanted: number) => boolean])[] = [
  ['Equals', (given, wanted) => given === wanted],
  ['LessThan', (given, wanted) => given < wanted],
  ['LessThanEquals', (given, wanted) => given <= wanted],
  ['GreaterThan', (given, wanted) => given > wanted],
  ['GreaterThanEquals', (given, wanted) => given >= wanted],
]
const isSame: Matches = (wanted, given) => wanted === given
const isSameIgnoringCase: Matches = (wanted, given) => wanted.toLowerCase() === given.toLowerCase()

const OPERATORS: ReadonlyMap<string, Matches> = new Map([
  ['StringEquals', isSame],
  ['StringEqualsIgnoreCase', isSameIgnoringCase],
  ['StringLike', isLike],
  ['ArnEquals', isLikeArn], // the two are one operator
  ['ArnLike', isLikeArn],
  ['Bool', isSameIgnoringCase],
  ...COMPARISONS.map(([name, compare]) => [`Numeric${name}`, numbers(compare)] as const),
  ...COMPARISONS.map(([name, compare]) => [`Date${name}`, dates(compare)] as const),
])

interface Operator {
  readonly set: 'ForAllValues' | 'ForAnyValue' | undefined
  readonly isNegated: boolean
  readonly ifExists: boolean
  readonly matches: Matches
}

function operatorOf(text: string): Operator {
  const [, set, name = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(text) ?? []
  const positive = name.replace(/^(String|Arn|Numeric|Date)Not/, '$1')
  const matches = OPERATORS.get(positive)
  if (matches === undefined) throw new PolicyError(`operator ${text} is not known here`)
  return {
    set: set === 'ForAllValues' || set === 'ForAnyValue' ? set : undefined,
    isNegated: positive !== name,
    ifExists: ifExists !== undefined,
    matches,
  }
}

/** Whether all conditions of a statement hold. */
export function holds(conditions: Conditions, context: Context): boolean {
  const given = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value])) // keys have no case
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => isMet(operator, many(wanted), given.get(key.toLowerCase()))),
  )
}

function isMet(text: string, wanted: readonly string[], given: OneOrMany | undefined): boolean {
  if (text === 'Null') return wanted.includes(String(given === undefined))
  const { set, isNegated, ifExists, matches } = operatorOf(text)
  const isMetBy = (value: string) => wanted.some((one) => matches(one, value)) !== isNegated
  if (given === undefined || (set !== undefined && given.length === 0)) {
    // An absent key differs from every value, and all of its no values match: ForAllValues alone is no protection.
    return ifExists || set === 'ForAllValues' || (set === undefined && isNegated)
  }
  if (set === 'ForAllValues') return many(given).every(isMetBy)
  if (set === 'ForAnyValue') return many(given).some(isMetBy)
  if (typeof given !== 'string')
    throw new PolicyError(`${text} on a key with many values: what AWS does is not defined`)
  return isMetBy(given)
}
