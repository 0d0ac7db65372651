import * as v from 'valibot'
import { blockArguments } from './block_arguments.ts'
import type { CatalogEntry, Effect, Reader, ResourceType, Target, Touch } from './catalog.ts'
import { compileElements, within, type Elements } from './elements.ts'
import type { CloudEvent } from './event.ts'
import { matchesGlob } from './glob.ts'
import { isObject, type Json } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { isRedacted } from './meaning.ts'
import { listOf, readKeys, readTags } from './lists.ts'
import { unescaped } from './reader.ts'
import { compileReader, type Context } from './reader_file.ts'

/** An ARN as it stands in the path of a call: some services' records keep it so. */
const ESCAPED_ARN = /^arn%3a/i

const EFFECTS = ['change', 'create', 'put', 'delete'] as const satisfies readonly Effect[]

const attributes = v.optional(v.record(v.string(), v.unknown()), {})

const targetFields = {
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
const targetSource = v.strictObject(targetFields)

/** One effect of a call, as the catalog writes it. */
export const effectFields = {
  ...targetFields,
  each: v.optional(v.string()),
  failed: v.optional(v.unknown()),
  when: v.optional(v.unknown()),
  among: v.optional(v.record(v.string(), v.unknown())),
  or: v.optional(v.array(targetSource), []),
}
export const effectSource = v.strictObject(effectFields)

type TargetSource = v.InferOutput<typeof targetSource>
type EffectSource = v.InferOutput<typeof effectSource>
type Types = ReadonlyMap<string, ResourceType>
type Test = (event: CloudEvent) => boolean

/** An effect of which a record may be an instance. */
interface Compiled {
  readonly elements: Elements
  readonly applies: Test
  readonly targets: readonly [Target, ...Target[]]
}

/** Compiles what a call does: one effect, written beside its examples, or several under `targets`. */
export function compileEffects(
  source: EffectSource & {
    readonly targets?: readonly EffectSource[] | undefined
    readonly content?: boolean
    readonly idle?: unknown
  },
  types: Types,
  context: Context,
): CatalogEntry {
  const { targets, type, content = false, idle } = source
  if (targets !== undefined && type !== undefined) context.fail('`type` and `targets` exclude each other', context.path)
  const compiled = targets?.map((one, at) =>
    compileEffect(one, types, { ...context, path: [...context.path, 'targets', at] }),
  ) ?? [compileEffect(source, types, context)]
  const effects = content ? compiled.map(ofContent) : compiled
  return {
    kind: 'configuration',
    ...(content ? { isContent: true } : {}),
    ...(idle === undefined
      ? {}
      : { isIdle: compileWhen(idle as Json, { ...context, path: [...context.path, 'idle'] }) }),
    targets: effects.flatMap((effect) => effect.targets),
    touches: (event) =>
      effects.flatMap(({ elements, applies, targets: forms }) =>
        elements.events(event).flatMap((one): readonly Touch[] => {
          if (!applies(one)) return []
          const said = forms.filter((target) => saysSomething(target, one))
          if (said.length === 0) return []
          if (said.length === forms.length) return [{ event: one, targets: forms }]
          // A form that lacks the attributes is still one of the resource; one that has others is not meant.
          const [first, ...rest] = forms.filter((target) => said.includes(target) || isBare(target))
          return first === undefined ? [] : [{ event: one, targets: [first, ...rest] }]
        }),
      ),
    hasFailed: (event) => effects.some(({ elements }) => elements.hasFailed(event)),
  }
}

/** Nothing is told of content that no state has. */
function ofContent(effect: Compiled): Compiled {
  const [first, ...rest] = effect.targets
  return { ...effect, targets: [onlyOwned(first), ...rest.map(onlyOwned)] }
}

const onlyOwned = (target: Target): Target => ({ ...target, ifOwned: true })

/** A change of which the record shows nothing is of something that the catalog does not describe, unless CloudTrail left it out. */
function saysSomething({ effect, set, add, remove, touch }: Target, event: CloudEvent): boolean {
  if (effect !== 'change' || touch.length > 0 || event.request['omitted'] === true) return true
  for (const readers of [set, add, remove])
    for (const read of readers.values()) if (read(event) !== undefined) return true
  return false
}

const isBare = ({ set, add, remove }: Target): boolean => set.size + add.size + remove.size === 0

function compileEffect(source: EffectSource, types: Types, outer: Context): Compiled {
  const { each, when, or, identity, among } = source
  const elements = compileElements(source, outer)
  const context = within(each, outer)
  const forms = [source, ...or]
    .flatMap((form, at) =>
      compileForms(form, identity, types, at === 0 ? context : { ...context, path: [...context.path, 'or', at - 1] }),
    )
    .toSorted((a, b) => Number(isEmptied(a)) - Number(isEmptied(b)))
  const [first, ...rest] = forms
  if (first === undefined) return context.fail('no target', context.path)
  if (forms.every(({ ifOwned }) => ifOwned === true))
    context.fail('`if_owned` needs a form under `or` that is meant otherwise', context.path)
  return {
    elements,
    applies:
      when === undefined ? () => true : compileWhen(when as Json, { ...context, path: [...context.path, 'when'] }),
    targets: [
      among === undefined ? first : { ...first, ...compileAmong(among, first.type, context) },
      ...rest.map((form) => mirrored(form, first)),
    ],
  }
}

/** Compiles `among`: an attribute, and the values of it that a call lists. */
function compileAmong(
  source: Readonly<Record<string, unknown>>,
  type: ResourceType,
  outer: Context,
): Pick<Target, 'among'> {
  const context = { ...outer, path: [...outer.path, 'among'] }
  const [[attribute, listed] = ['', null], ...others] = Object.entries(source)
  if (!type.attributes.has(attribute) || others.length > 0) context.fail('one attribute, and its values', context.path)
  return { among: { attribute, listed: compileReader(listed, context) } }
}

/** What is made as a resource of its own in the first form only shows in one that is changed by it. */
const mirrored = (form: Target, first: Target): Target =>
  form.effect === 'change' && first.effect !== 'change' ? { ...form, isMirror: true } : form

/** A variant that has none of the attributes: what `or` says of its type comes first. */
const isEmptied = (form: Target): boolean =>
  form.type.like !== undefined &&
  (form.effect === 'change' || form.effect === 'put') &&
  form.touch.length === 0 &&
  isBare(form)

/** A target on its type, and on each type that is like it. */
function compileForms(source: TargetSource, usual: unknown, types: Types, context: Context): readonly Target[] {
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

/** Of `when` and `idle`. `<place>`: something is there. `{<place>: <value>}`: it is that, or one of those; `*` stands for any text, null for nothing. */
function compileWhen(source: Json, context: Context): Test {
  if (typeof source === 'string') {
    const read = compileReader(source, context)
    return (event) => (read(event) ?? null) !== null
  }
  if (!isObject(source)) return context.fail('a place, or places and their values', context.path)
  const tests = Object.entries(source).map(([place, wanted]) => {
    const read = compileReader(place, context)
    const values = listed(wanted)
    return (event: CloudEvent) => {
      const value = onlyOf(read(event) ?? null)
      return values.some((one) =>
        one === null ? value === null : typeof value !== 'object' && matchesGlob(textOf(one), textOf(value)),
      )
    }
  })
  return (event) => tests.every((test) => test(event))
}

/** One that is alone in a list is what the list says; of several none is. */
const onlyOf = (value: Json): Json => (Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value)
const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
const listed = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [value])
/** The names that a value holds. */
export const textsIn = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly Json[]).flatMap(textIn) : textIn(value ?? null)

function textIn(value: Json): readonly string[] {
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'string' || value === '' || isRedacted(value)) return []
  return [ESCAPED_ARN.test(value) ? (unescaped(value) ?? value) : value]
}
