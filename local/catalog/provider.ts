import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'

/** A statement of WAF's holds statements that hold statements: of a type with more paths than this only the upper ones count. */
const MAX_PATHS = 1_000
const MAX_DEPTH = 5

type Type = string | [string, Type | Record<string, Type>]
type Members = Record<string, Type>
interface Attribute {
  readonly type?: Type | undefined
  readonly nested_type?: { readonly nesting_mode: string; readonly attributes: Record<string, Attribute> } | undefined
  readonly required?: boolean | undefined
  readonly optional?: boolean | undefined
  readonly computed?: boolean | undefined
  readonly sensitive?: boolean | undefined
}
interface Block {
  readonly attributes?: Record<string, Attribute> | undefined
  readonly block_types?:
    | Record<
        string,
        { nesting_mode: string; min_items?: number | undefined; max_items?: number | undefined; block: Block }
      >
    | undefined
}

const file = v.looseObject({
  provider_schemas: v.record(
    v.string(),
    v.looseObject({ resource_schemas: v.record(v.string(), v.looseObject({ block: v.custom<Block>(Boolean) })) }),
  ),
})

type Entry = readonly [path: string, form: string]

function attributesOf({ attributes = {}, block_types: blocks = {} }: Block, path: string): readonly Entry[] {
  return [
    ...Object.entries(attributes).flatMap(([name, attribute]) => attributeOf(path + name, attribute)),
    ...Object.entries(blocks)
      .filter(([name]) => path !== '' || name !== 'timeouts')
      .flatMap(([name, { nesting_mode: nesting, min_items: least = 0, max_items: most, block }]) => {
        const flags = [least > 0 ? 'required' : 'optional', ...(most === 1 || isOne(nesting) ? ['single'] : [])]
        const entry: Entry = [path + name, [kindOf(nesting), ...flags].join(' ')]
        return [entry].concat(attributesOf(block, `${path}${name}.`))
      }),
  ]
}

function attributeOf(path: string, attribute: Attribute): readonly Entry[] {
  const { type, nested_type: nested } = attribute
  const flags = (['required', 'optional', 'computed', 'sensitive'] as const).filter((flag) => attribute[flag] === true)
  const form = (kind: string): Entry => [path, [kind, ...flags].join(' ')]
  if (nested !== undefined) {
    const [place, whole] = form(kindOf(nested.nesting_mode))
    const entry: Entry = [place, isOne(nested.nesting_mode) ? `${whole} single` : whole]
    return [entry, ...attributesOf(nested, `${path}.`)]
  }
  if (type === undefined) throw new TypeError(`${path} has no type`)
  return [form(kindOfType(type)), ...membersOf(type, path, flags)]
}

/** A block within a list of one; a group of attributes, which has its place as a block does. */
const kindOf = (nesting: string): string => (isOne(nesting) ? 'list' : nesting)
const isOne = (nesting: string): boolean => nesting === 'single' || nesting === 'group'

function kindOfType(type: Type): string {
  if (typeof type === 'string') return type === 'dynamic' ? 'string' : type
  return type[0] === 'object' ? 'list' : type[0]
}

/**
 * What used to be blocks: lists and sets of objects. That the whole may be computed says of a member only that nobody need
 * set it: a state has all of them or none.
 */
function membersOf(type: Type, path: string, flags: readonly string[]): readonly Entry[] {
  if (typeof type === 'string') return []
  const [, inner] = type
  if (Array.isArray(inner) || typeof inner === 'string') return membersOf(inner, path, flags)
  const members: Members = inner
  return Object.entries(members).flatMap(([name, member]) => {
    const own = flags.includes('optional') ? flags.filter((flag) => flag !== 'computed') : flags
    const entry: Entry = [`${path}.${name}`, [kindOfType(member), ...own].join(' ')]
    return [entry].concat(membersOf(member, `${path}.${name}`, flags))
  })
}

const isUpper = ([path]: Entry): boolean => path.split('.').length <= MAX_DEPTH

export type Resources = Readonly<Record<string, { readonly block: Block }>>

/** The resource types of the AWS provider in what `terraform providers schema -json` prints; also with gzip. */
export async function readResources(path: string): Promise<Resources> {
  const bytes = await readFile(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const providers = Object.entries(v.parse(v.pipe(v.string(), v.parseJson(), file), text).provider_schemas)
  const aws = providers.find(([name]) => name.endsWith('/hashicorp/aws'))?.[1]
  if (aws === undefined) throw new TypeError(`${path} holds no schema of hashicorp/aws`)
  return aws.resource_schemas
}

/** The file of rules/schema for some types. */
export function trimmedSchema(resources: Resources, types: readonly string[]): string {
  const entries = types.map((type) => {
    const schema = resources[type]
    if (schema === undefined) throw new TypeError(`the provider has no ${type}`)
    const all = attributesOf(schema.block, '')
    return [type, Object.fromEntries(all.length > MAX_PATHS ? all.filter(isUpper) : all)] as const
  })
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}
