import type { Json } from '../json.ts'
import type { Subject } from '../rule.ts'

/** One changed attribute of a finding. */
interface Change {
  readonly attribute: string
  readonly old: Json
  readonly now: Json
}

/** What a condition looks at. A finding with several changes is looked at once for each of them. */
export interface View extends Subject {
  readonly change: Change | undefined
}

export type Views = readonly [View, ...View[]]

/** One rule after the other asks for the views of the same subject. */
let last: { readonly subject: Subject; readonly views: Views } | undefined

export function views(subject: Subject): Views {
  if (last?.subject !== subject) last = { subject, views: viewsOf(subject) }
  return last.views
}

function viewsOf({ event, finding }: Subject): Views {
  const [first, ...others] = Object.entries(finding.changes).map(([attribute, [old, now]]): View => ({
    event,
    finding,
    change: { attribute, old, now },
  }))
  return [first ?? { event, finding, change: undefined }, ...others]
}

/**
 * What a field's values are. Terraform knows its values as numbers too, so `attribute` compares with `<` as numbers;
 * `text` does so byte by byte.
 */
export type FieldType = 'text' | 'attribute' | 'number' | 'flag' | 'address' | 'network' | 'bytes'

export type Scalar = string | bigint | boolean
/** `undefined` where the subject has no such value; then every check of it is false. */
export type Found = Scalar | readonly Scalar[] | undefined

/** What stands in `field[…]`: a place in a list, or a key. */
export interface Argument {
  readonly kind: 'index' | 'key'
  readonly required: boolean
}

/** A field as the rules of a source may name it. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  /** It has several values: `in` asks for all of them, `intersects` for one. */
  readonly list?: true
  readonly argument?: Argument
  /** It is of one change, and another for each of them. */
  readonly ofChange?: true
  /** For the page of all fields: where the value comes from. */
  readonly from: string
  readonly read: (view: View, argument: string | undefined) => Found
}

/** The value of a record's member as text; JSON's null is as if the member were not there. */
export function textOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The value at a JSON pointer's parts. */
export function valueAt(value: Json | undefined, parts: readonly string[]): Json | undefined {
  let at = value
  for (const part of parts) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    // An array's members are own properties under their index, and `length` is none of them.
    if (Array.isArray(at) && !/^(?:0|[1-9]\d*)$/.test(part)) return undefined
    at = (at as { readonly [key: string]: Json })[part]
  }
  return at
}

/** RFC 6901: `/a/b~1c` is the member `b/c` of the member `a`. */
export const pointerParts = (pointer: string): readonly string[] | undefined =>
  pointer === '' ? [] : pointer.startsWith('/') ? pointer.slice(1).split('/').map(unescaped) : undefined

const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

/** A field with the text at one place of the audit record. */
export function placed(name: string, pointer: string): Field {
  const parts = pointerParts(pointer) ?? []
  /** Several rules in a row ask for the same of one record. */
  let known: { readonly record: Json; readonly text: string | undefined } | undefined
  return {
    name,
    type: 'text',
    from: `\`${pointer}\``,
    read({ event: { record } }) {
      if (known?.record !== record) known = { record, text: textOf(valueAt(record, parts)) }
      return known.text
    },
  }
}
