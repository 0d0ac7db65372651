import type { CatalogEntry, Reader, ResourceType, Target, Touch } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { about, shaped, textsIn, within } from './effect_file.ts'
import { listOf } from './reader.ts'
import { compileReader, type Context } from './reader_file.ts'

/** A call that tags whatever an ARN or an id names. */
export interface TaggingSource {
  readonly each?: string | undefined
  readonly resource: unknown
  readonly add?: unknown
  readonly remove?: unknown
}

/** Compiles it as far as can be without the types, which other files may describe. */
export function compileTagging(
  { each, resource, add, remove }: TaggingSource,
  context: Context,
): (types: readonly ResourceType[]) => CatalogEntry {
  const inner = within(each, context)
  const at = (key: string): Context => ({ ...inner, path: [...inner.path, key] })
  if ((add === undefined) === (remove === undefined)) context.fail('either `add` or `remove`', context.path)
  const elements = each === undefined ? undefined : compileReader(each, at('each'))
  const named = compileReader(resource, at('resource'))
  const readers = (verb: 'add' | 'remove', source: unknown): ReadonlyMap<string, Reader> =>
    new Map(source === undefined ? [] : [['tags', shaped(verb, 'tags', compileReader(source, at(verb)))]])
  const verbs = { add: readers('add', add), remove: readers('remove', remove) }
  return (all) => {
    const types = all.filter(({ attributes }) => attributes.has('tags'))
    const touchOf = (one: CloudEvent): readonly Touch[] => {
      const [text] = textsIn(named(one))
      if (text === undefined) return []
      const [first, ...rest] = types.flatMap((type) => {
        const names = type.identify(text)
        return names === undefined ? [] : [targetOn(type, names, verbs)]
      })
      return first === undefined ? [] : [{ event: one, targets: [first, ...rest] }]
    }
    return {
      kind: 'configuration',
      targets: types.map((type) => targetOn(type, [], verbs)),
      touches: (event) => {
        const ones = elements === undefined ? [event] : listOf(elements(event) ?? null).map(about(event))
        const known = ones.flatMap(touchOf)
        // What is tagged with it and described by nobody is told as well.
        const [type] = types
        if (known.length === 0 || known.length === ones.length || type === undefined) return known
        return [...known, { event, targets: [targetOn(type, [], verbs)] }]
      },
    }
  }
}

const targetOn = (type: ResourceType, names: readonly string[], verbs: Pick<Target, 'add' | 'remove'>): Target => ({
  type,
  identify: () => names,
  effect: 'change',
  set: new Map(),
  touch: [],
  ...verbs,
})
