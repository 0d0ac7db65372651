import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { AttributeKind } from '../../enclave/core/catalog.ts'
import { catalog } from '../enclave/core/world.ts'
import { corpusFile } from './data.ts'

interface Block {
  readonly attributes?: Readonly<Record<string, { readonly type: unknown }>>
  readonly block_types?: Readonly<Record<string, { readonly nesting_mode: string; readonly block: Block }>>
}
interface Provider {
  readonly resource_schemas: Readonly<Record<string, { readonly block: Block }>>
}
const text = gunzipSync(corpusFile('aws-provider-5.100.0-schema.json.gz')).toString()
const { provider_schemas } = JSON.parse(text) as { provider_schemas: Readonly<Record<string, Provider>> }
const [provider] = Object.values(provider_schemas)

/** What the provider's schema has at a path: an attribute's type, or how a block nests. */
function schemaAt(type: string, path: string): unknown {
  const names = path.split('.')
  const last = names.pop() ?? ''
  let block = provider?.resource_schemas[type]?.block
  for (const name of names) block = block?.block_types?.[name]?.block
  return block?.attributes?.[last]?.type ?? block?.block_types?.[last]?.nesting_mode
}

const SCHEMA: Readonly<Record<AttributeKind, unknown>> = {
  string: 'string',
  bool: 'bool',
  number: 'number',
  map: ['map', 'string'],
  tags: ['map', 'string'],
  policy: 'string',
  unordered_json: 'string',
  list: 'list',
  set: 'set',
}

const attributes = [...catalog.types.values()].flatMap((type) =>
  Array.from(type.attributes, ([path, kind]) => [type.name, path, kind] as const),
)
test.each(attributes)("%s.%s is a %s in the provider's schema", (type, path, kind) => {
  expect(schemaAt(type, path)).toEqual(SCHEMA[kind])
})

const names = [...catalog.types.values()].flatMap((type) =>
  [...type.identities, ...(type.account === undefined ? [] : [type.account])].map((name) => [type.name, name] as const),
)
test.each(names)('%s is named by its %s', (type, name) => {
  expect(schemaAt(type, name)).toBe('string')
})
