import type { CatalogEntry, InnerTags, Reader, ResourceType, Target, Touch } from './catalog.ts'
import { shaped, textsIn } from './target_file.ts'
import { compileElements, within, type ElementsSource } from './elements.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json } from './json.ts'
import { listOf } from './lists.ts'
import { compileReader, type Context } from './reader_file.ts'

/** A call that tags whatever an ARN or id names. */
export interface TaggingSource extends ElementsSource {
  readonly resource: unknown
  readonly add?: unknown
  readonly remove?: unknown
  /** Whether all go where the call names none. */
  readonly or_all?: boolean | undefined
}

/** What a call does to tags, as a whole or to one of them. */
interface Tagging {
  readonly set: ReadonlyMap<string, Reader>
  readonly add: ReadonlyMap<string, Reader>
  readonly remove: ReadonlyMap<string, Reader>
}

/** Compiles it as far as can be without the types, which other files may describe. */
export function compileTagging(
  source: TaggingSource,
  context: Context,
): (types: readonly ResourceType[]) => CatalogEntry {
  const { each, resource, add, remove, or_all: orAll = false } = source
  const inner = within(each, context)
  const at = (key: string): Context => ({ ...inner, path: [...inner.path, key] })
  if ((add === undefined) === (remove === undefined)) context.fail('either `add` or `remove`', context.path)
  const elements = compileElements(source, context)
  const named = compileReader(resource, at('resource'))
  const readers = (verb: 'add' | 'remove', value: unknown): ReadonlyMap<string, Reader> =>
    new Map(value === undefined ? [] : [['tags', shaped(verb, 'tags', compileReader(value, at(verb)))]])
  const removed = readers('remove', remove)
  const whole: Tagging = { set: orAll ? cleared(removed) : new Map(), add: readers('add', add), remove: removed }
  return (all) => {
    const types = all.filter(({ attributes }) => attributes.has('tags'))
    const ofOne = all.filter(({ isTag }) => isTag === true)
    const around = all.filter(({ innerTags }) => innerTags !== undefined)
    const touchesOf = (event: CloudEvent): readonly Touch[] => {
      const [text] = textsIn(named(event))
      if (text === undefined) return []
      const found = types.flatMap((type) => {
        const names = type.identify(text)
        return names === undefined ? [] : [{ type, names }]
      })
      const [first, ...rest] = found
      if (first === undefined) return []
      const on = (tagging: Tagging): Touch['targets'] => [
        targetOn(first.type, first.names, tagging),
        ...rest.map(({ type, names }) => targetOn(type, names, tagging)),
        ...found.flatMap((part) => insideOf(part, around, tagging)),
      ]
      const parts = ofOne.length === 0 ? [] : partsOf(whole, event)
      if (parts.length === 0) return [{ event, targets: on(whole) }]
      const names = new Set(found.flatMap((one) => one.names))
      return parts.map((part) => {
        const [one, ...more] = ofOne.map((type) => tagOn(type, [...names], part))
        const forms = on(part)
        return { event, targets: one === undefined ? forms : [one, ...more, ...forms] }
      })
    }
    return {
      kind: 'configuration',
      targets: [...types.map((type) => targetOn(type, [], whole)), ...ofOne.map((type) => tagOn(type, [], ANY_TAG))],
      touches: (event) => {
        const ones = elements.events(event)
        const known = ones.map(touchesOf)
        // What is tagged with it and described by nobody is told as well.
        const [type] = types
        const isAllKnown = known.every((touches) => touches.length > 0)
        if (isAllKnown || known.every((touches) => touches.length === 0) || type === undefined) return known.flat()
        return [...known.flat(), { event, targets: [targetOn(type, [], whole)] }]
      },
      hasFailed: elements.hasFailed,
    }
  }
}

/** No tags, where a call that removes some names none. */
const cleared = (removed: ReadonlyMap<string, Reader>): ReadonlyMap<string, Reader> =>
  new Map(
    Array.from(removed, ([attribute, read]): [string, Reader] => [
      attribute,
      (event) => (isEmpty(read(event)) ? {} : undefined),
    ]),
  )

const isEmpty = (value: Json | undefined): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const targetOn = (type: ResourceType, names: readonly string[], { set, add, remove }: Tagging): Target => ({
  type,
  identify: () => names,
  effect: 'change',
  set,
  add,
  remove,
  touch: [],
})

/** The same on what has the tagged thing inside of it. */
const insideOf = (
  part: { readonly type: ResourceType; readonly names: readonly string[] },
  around: readonly ResourceType[],
  tagging: Tagging,
): readonly Target[] =>
  around.flatMap((type) =>
    (type.innerTags ?? []).flatMap((inner) =>
      inner.of === part.type.name ? [targetInside(type, inner, part.names, tagging)] : [],
    ),
  )

function targetInside(type: ResourceType, inner: InnerTags, parts: readonly string[], tagging: Tagging): Target {
  const { attribute, nameBy, ifSet } = inner
  const isTags = type.attributes.get(attribute)?.kind === 'tags'
  const moved = (readers: ReadonlyMap<string, Reader>): ReadonlyMap<string, Reader> =>
    new Map(isTags ? Array.from(readers.values(), (read) => [attribute, read] as const) : [])
  return {
    ...targetOn(type, parts.map(nameBy), {
      set: moved(tagging.set),
      add: moved(tagging.add),
      remove: moved(tagging.remove),
    }),
    touch: isTags ? [] : [attribute],
    ifOwned: true,
    ...(ifSet ? { ifSet: attribute } : {}),
  }
}

/** What is done to one tag. */
interface Part extends Tagging {
  readonly key: string
  readonly effect: 'put' | 'delete'
  /** The one that it gets, or has to have to go; null of those that go with any. */
  readonly value: Json
}

const ANY_TAG: Part = { key: '', effect: 'put', value: '', set: new Map(), add: new Map(), remove: new Map() }

/** Tag by tag, as far as the record shows them. */
function partsOf({ add, remove }: Tagging, event: CloudEvent): readonly Part[] {
  const [added, removed] = [add.get('tags')?.(event), remove.get('tags')?.(event)]
  if (isObject(added))
    return Object.entries(added).map(([key, value]) => {
      const one = new Map([['tags', () => ({ [key]: value })]])
      return { key, effect: 'put', value, set: new Map(), add: one, remove: new Map() }
    })
  const gone = isObject(removed)
    ? Object.entries(removed)
    : listOf(removed ?? null).flatMap((key) => (typeof key === 'string' ? [[key, null] as const] : []))
  return gone.map(([key, value]) => {
    const one = new Map([['tags', () => ({ [key]: value })]])
    return { key, effect: 'delete', value, set: new Map(), add: new Map(), remove: one }
  })
}

/** The same where Terraform has the tag as a resource. */
const tagOn = (type: ResourceType, names: readonly string[], part: Part): Target => {
  const { key, effect, value } = part
  const read = new Map(value === null ? [] : [['value', () => value]])
  return {
    type,
    identify: () => names.map((name) => `${name},${key}`),
    effect,
    set: effect === 'put' ? read : new Map(),
    add: new Map(),
    remove: effect === 'delete' ? read : new Map(),
    touch: [],
    ifOwned: true,
  }
}
