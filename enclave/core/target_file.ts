import * as v from 'valibot'
import { blockArguments } from './block_arguments.ts'
import type { Effect, Reader, ResourceType, Target } from './catalog.ts'
import type { Json } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { listOf, readKeys, readTags } from './lists.ts'
import { isRedacted } from './meaning.ts'
import { compileReader, type Context } from './reader_file.ts'
import { unescaped } from './reader.ts'

/** An ARN as it stands in the path of a call: some services' records keep it so. */
const ESCAPED_ARN = /^arn%3a/i

const EFFECTS = ['change', 'create', 'put', 'delete'] as const satisfies readonly Effect[]

const attributes = v.optional(v.record(v.string(), v.unknown()), {})

/** What a call does to resources of one type, as the catalog writes it. */
export const targetFields = {
  type: v.optional(v.string()),
  identity: v.optional(v.unknown()),
  effect: v.optional(v.picklist(EFFECTS), 'change'),
  set: attributes,
  add: attributes,
  remove: attributes,
  touch: v.optional(v.array(v.string()), []),
  if_owned: v.optional(v.boolean(), false),
  mirror: v.optional(v.boolean(), false),
}
export const targetSource = v.strictObject(targetFields)

type TargetSource = v.InferOutput<typeof targetSource>
export type Types = ReadonlyMap<string, ResourceType>

/** A target on its type, and on each type that is like it. */
export function compileForms(source: TargetSource, usual: unknown, types: Types, context: Context): readonly Target[] {
  const type =
    types.get(source.type ?? context.fail('`type` is missing', context.path)) ??
    context.fail('a type that this file does not describe', [...context.path, 'type'])
  const { identity = usual, effect, touch, if_owned: ifOwned, mirror } = source
  if (identity === undefined) return context.fail('`identity` is missing', context.path)
  const names = listed(identity as Json).map((one) =>
    compileReader(one, { ...context, path: [...context.path, 'identity'] }),
  )
  const read = (verb: 'set' | 'add' | 'remove'): ReadonlyMap<string, Reader> =>
    new Map(
      Object.entries(source[verb]).flatMap(([attribute, value]) => {
        const path = [...context.path, verb, attribute]
        const found = type.attributes.get(attribute) ?? context.fail(`${type.name} has no such attribute`, path)
        if (verb !== 'set' && SHAPES[found.kind] === undefined)
          context.fail(`${verb} is for maps, lists and sets`, path)
        if (verb === 'add' && found.isSingle === true) return []
        return [[attribute, shaped(verb, found.kind, compileReader(value, { ...context, path }))]]
      }),
    )
  const isSet = (path: string): boolean => Object.keys(source.set).some((told) => `${path}.`.startsWith(`${told}.`))
  const parts = Object.entries(source.add)
    .filter(([attribute]) => type.attributes.get(attribute)?.isSingle === true)
    .flatMap(([block, value]) =>
      blockArguments(type, block, compileReader(value, { ...context, path: [...context.path, 'add', block] })),
    )
    .filter(([path]) => !isSet(path))
    .map(([path, kind, reader]) => [path, shaped('set', kind, reader)] as const)
  for (const attribute of touch)
    if (!type.attributes.has(attribute)) context.fail(`${type.name} has no ${attribute}`, [...context.path, 'touch'])
  const target: Target = {
    type,
    identify: (event) => names.flatMap((name) => textsIn(name(event))),
    effect,
    set: new Map([...read('set'), ...parts]),
    add: read('add'),
    remove: read('remove'),
    touch,
    ...(ifOwned ? { ifOwned } : {}),
    ...(mirror ? { isMirror: mirror } : {}),
  }
  if (effect === 'change' && isBare(target) && touch.length === 0)
    context.fail('a change says what it changes: set, add, remove or touch', context.path)
  const alike = [...types.values()].filter(({ like }) => like === type.name)
  return [target, ...alike.map((variant) => onVariant(target, variant))]
}

/** The same on a type that lacks some of the attributes. */
function onVariant(target: Target, type: ResourceType): Target {
  const kept = (readers: ReadonlyMap<string, Reader>) =>
    new Map([...readers].filter(([attribute]) => type.attributes.has(attribute)))
  const { set, add, remove, touch } = target
  return {
    ...target,
    type,
    set: kept(set),
    add: kept(add),
    remove: kept(remove),
    touch: touch.filter((attribute) => type.attributes.has(attribute)),
  }
}

/** The kinds that hold several values, and whether each of those has a key. */
const SHAPES: Readonly<Partial<Record<AttributeKind, 'map' | 'list'>>> = {
  map: 'map',
  tags: 'map',
  list: 'list',
  set: 'list',
  cidrs: 'list',
  dns_names: 'list',
  termination_policies: 'list',
  permissions: 'list',
}

/** A list or a map has many spellings; whatever the reader gives is brought to one. */
export function shaped(verb: 'set' | 'add' | 'remove', kind: AttributeKind, read: Reader): Reader {
  const shape = SHAPES[kind]
  if (shape === undefined) return read
  const convert = shape === 'list' ? listOf : verb === 'remove' ? readKeys : readTags
  return (event) => {
    const value = read(event)
    if (value === undefined || value === null || typeof value === 'boolean') return value
    return typeof value === 'string' && isRedacted(value) ? value : convert(value)
  }
}

export const isBare = ({ set, add, remove }: Target): boolean => set.size + add.size + remove.size === 0

export const listed = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [value])
/** The names that a value holds. */
export const textsIn = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly Json[]).flatMap(textIn) : textIn(value ?? null)

function textIn(value: Json): readonly string[] {
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'string' || value === '' || isRedacted(value)) return []
  return [ESCAPED_ARN.test(value) ? (unescaped(value) ?? value) : value]
}
