import type * as v from 'valibot'
import { fileSchema } from '../enclave/core/native/schema.ts'

type Node = { readonly [key: string]: unknown }

/** The form of a rules/policies file as JSON Schema, for editors: what the loader accepts, read off the loader's own schema. */
export function policySchema(): Node {
  const names = new Map<unknown, string>()
  const definitions: Record<string, Node> = {}

  /** A schema that may hold itself is written once and pointed to. */
  function recursive(schema: v.LazySchema<v.GenericSchema>): Node {
    const known = names.get(schema)
    const name = known ?? `form${names.size + 1}`
    if (known === undefined) {
      names.set(schema, name)
      definitions[name] = toJsonSchema(schema.getter(undefined))
    }
    return { $ref: `#/$defs/${name}` }
  }

  function toJsonSchema(given: v.GenericSchema): Node {
    const schema = given as Known // valibot's types do not tell which of its schemas one is; `type` does
    switch (schema.type) {
      case 'strict_object':
        return objectSchema(schema, toJsonSchema)
      case 'array':
        return { type: 'array', items: toJsonSchema(schema.item), ...limits(schema) }
      case 'record':
        return { type: 'object', additionalProperties: toJsonSchema(schema.value), ...limits(schema) }
      case 'union':
      case 'variant':
        return { anyOf: schema.options.map(toJsonSchema), ...limits(schema) }
      case 'picklist':
        return { enum: schema.options, ...limits(schema) }
      case 'literal':
        return { const: schema.literal }
      case 'string':
      case 'number':
      case 'boolean':
        return { type: schema.type, ...limits(schema) }
      case 'custom':
        return limits(schema)
      case 'lazy':
        return recursive(schema)
      case 'optional':
      case 'exact_optional':
        return { ...toJsonSchema(schema.wrapped), ...defaultOf(schema.default) }
    }
  }

  const form = toJsonSchema(fileSchema)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: "DriftSeal's native rules",
    ...form,
    $defs: definitions,
  }
}

type Known =
  | v.StrictObjectSchema<v.ObjectEntries, undefined>
  | v.ArraySchema<v.GenericSchema, undefined>
  | v.RecordSchema<v.GenericSchema<string, string>, v.GenericSchema, undefined>
  | v.UnionSchema<v.GenericSchema[], undefined>
  | (Omit<v.UnionSchema<v.GenericSchema[], undefined>, 'type'> & { readonly type: 'variant' })
  | v.PicklistSchema<readonly string[], undefined>
  | v.LiteralSchema<string, undefined>
  | v.StringSchema<undefined>
  | v.NumberSchema<undefined>
  | v.BooleanSchema<undefined>
  | (v.GenericSchema & { readonly type: 'custom' })
  | v.LazySchema<v.GenericSchema>
  | v.OptionalSchema<v.GenericSchema, unknown>
  | v.ExactOptionalSchema<v.GenericSchema, unknown>

function objectSchema(
  schema: v.StrictObjectSchema<v.ObjectEntries, undefined>,
  toJsonSchema: (schema: v.GenericSchema) => Node,
): Node {
  const entries = Object.entries(schema.entries)
  const required = entries
    .filter(([, { type }]) => type !== 'optional' && type !== 'exact_optional')
    .map(([key]) => key)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, entry]) => [key, toJsonSchema(entry as v.GenericSchema)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
    ...limits(schema),
  }
}

const defaultOf = (value: unknown): Node => (value === undefined ? {} : { default: value })

interface Action {
  readonly type: string
  readonly requirement?: unknown
  readonly description?: string
}

/** What stands behind a schema in its pipe, and in that of the schema which the pipe begins with. */
function limits(schema: object): Node {
  const [inner, ...actions] = 'pipe' in schema && Array.isArray(schema.pipe) ? (schema.pipe as readonly Action[]) : []
  if (inner === undefined) return {}
  const keywords = inner.type === 'array' ? OF_LISTS : OF_SCALARS
  const own = actions.flatMap(({ type, requirement, description }) => {
    if (type === 'description') return [['description', description]]
    if (type === 'integer') return [['type', 'integer']]
    if (requirement instanceof RegExp) return [['pattern', requirement.source]]
    const keyword = keywords[type]
    return keyword === undefined ? [] : [[keyword, requirement]] // checks in code have no counterpart
  })
  return { ...limits(inner), ...Object.fromEntries(own) }
}

const OF_LISTS: Readonly<Record<string, string>> = { min_length: 'minItems', max_length: 'maxItems' }
const OF_SCALARS: Readonly<Record<string, string>> = {
  min_length: 'minLength',
  max_length: 'maxLength',
  min_value: 'minimum',
  max_value: 'maximum',
}
