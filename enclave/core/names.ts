import type { Json } from './json.ts'
import type { AttributeKind } from './kind.ts'

/** A KMS alias, alone or at the end of an ARN. */
export const KMS_ALIAS = /(?:^|:)alias\//

/** The ARN of a key whose id is nobody else's: not one of several Regions. */
const KEY_ARN = /^arn:aws[\w-]*:kms:[^:]*:\d{12}:key\/(?=[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$)/

const ARN_PREFIX = /^arn:aws[\w-]*:[^:]*:[^:]*:[^:]*:/
/** As CloudTrail writes a time in an answer: `Nov 21, 2026, 6:49:59 AM`, in UTC. */
const ANSWERED = /^[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}[ \u202f][AP]M$/
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/

/** A key by its id, where that is enough to tell it from all others. */
const normalKey = (name: string): string => name.replace(KEY_ARN, '')

/** Whether two names are one: the same, or one the ARN that ends with the other. Two ARNs differ in any part. */
function endsArn(a: string, b: string): boolean {
  if (a === b) return true
  const [arn, name] = ARN_PREFIX.test(a) ? [a, b] : [b, a]
  if (!ARN_PREFIX.test(arn) || ARN_PREFIX.test(name) || name === '') return false
  const resource = arn.replace(ARN_PREFIX, '')
  return resource === name || resource.endsWith(`/${name}`) || resource.endsWith(`:${name}`)
}

/** Whether two versions are the same as far as the shorter one goes. */
function isPrefixVersion(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return long === short || long.startsWith(`${short}.`)
}

/** How texts that differ may still be one. */
interface Relation {
  readonly normal: (text: string) => string
  readonly isOne: (a: string, b: string) => boolean
}

const same = (text: string): string => text

/** The kinds whose values have several spellings and no normal one. */
export const RELATIONS = {
  arn_or_name: { normal: same, isOne: endsArn },
  kms_key: { normal: normalKey, isOne: endsArn },
  version: { normal: same, isOne: isPrefixVersion },
} as const satisfies Partial<Record<AttributeKind, Relation>>

/** Gives the texts of two lists of values one spelling, the shorter, where one side has it otherwise than the other. */
export type Spelling = (text: string) => string

export function spelling({ normal, isOne }: Relation, these: readonly Json[], those: readonly Json[]): Spelling {
  const texts = (values: readonly Json[]): ReadonlySet<string> =>
    new Set(values.flatMap((value) => (typeof value === 'string' ? [normal(value)] : [])))
  const [here, there] = [texts(these), texts(those)]
  // What both have stands for itself: of two ARNs that end alike and their name, the name belongs to one.
  const [own, others] = [here.difference(there), there.difference(here)]
  const shorter = (text: string, among: ReadonlySet<string>): readonly [string, string] => [
    text,
    [...among].reduce((best, one) => (one.length < best.length && isOne(text, one) ? one : best), text),
  ]
  const spelt = new Map([
    ...Array.from(own, (text) => shorter(text, others)),
    ...Array.from(others, (text) => shorter(text, own)),
  ])
  return (text) => spelt.get(text) ?? text
}

/** A moment in one form; what is none stays. */
export function normalTime(text: string): string {
  const read = standardTime(text)
  const time = RFC_3339.test(read) ? Date.parse(read) : Number.NaN
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}

/** A moment as CloudTrail writes it for people, in the form of RFC 3339; any other text stays. */
export function standardTime(text: string): string {
  const time = ANSWERED.test(text) ? Date.parse(`${text.replace('\u202f', ' ')} UTC`) : Number.NaN
  return Number.isNaN(time) ? text : new Date(time).toISOString().replace('.000Z', 'Z')
}
