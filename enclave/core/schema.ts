import * as v from 'valibot'
import type { Attribute } from './catalog.ts'

const FORM = /^(string|number|bool|map|list|set)(?: required)?( optional)?( computed)?( sensitive)?( single)?$/

const fileSchema = v.record(v.string(), v.record(v.string(), v.pipe(v.string(), v.regex(FORM))))

/** Resource types by name, each with its attributes by dotted path. */
export type Schema = ReadonlyMap<string, ReadonlyMap<string, Attribute>>

/** Reads a file of rules/schema, the trimmed copy of the provider's own schema; `undefined` when it is not one. */
export function parseSchema(text: string): Schema | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), text)
  if (!parsed.success) return undefined
  return new Map(
    Object.entries(parsed.output).map(([type, attributes]) => [
      type,
      new Map(Object.entries(attributes).map(([path, form]) => [path, attributeOf(form)])),
    ]),
  )
}

function attributeOf(form: string): Attribute {
  const [, kind, optional, computed, sensitive, single] = FORM.exec(form) ?? []
  // The pattern, which the schema has checked, lets no other kind through.
  return {
    kind: kind as Attribute['kind'],
    optional: optional !== undefined,
    computed: computed !== undefined,
    sensitive: sensitive !== undefined,
    ...(single === undefined ? {} : { isSingle: true }),
  }
}
