import type { ResourceType } from './catalog.ts'
import { isList } from './document.ts'
import { isObject, type Json } from './json.ts'
import type { AttributeKind } from './kind.ts'

/** How an attribute compares, and what lies inside its blocks. */
export interface Shape {
  readonly kind: AttributeKind
  readonly computed: boolean
  readonly optional: boolean
  inner(name: string): Shape | undefined
}

/** Where no schema tells: everything counts, in order. */
export const NO_SHAPE: Shape = { kind: 'list', computed: false, optional: true, inner: () => undefined }

/** What the provider's schema says of an attribute or block; undefined where it does not have it. */
export function shapeOf(type: ResourceType, path: string): Shape | undefined {
  const attribute = type.attributes.get(path)
  return attribute === undefined ? undefined : { ...attribute, inner: (name) => shapeOf(type, `${path}.${name}`) }
}

/** By name: what does not count in a block, as a whole or in what lies inside it. */
export type Ignored = ReadonlyMap<string, 'all' | Ignored>

/**
 * What the provider computes is never drift: an attribute that only it sets, and one that it sets where nobody else does,
 * as long as one side is silent about it in all of its blocks.
 */
export function ignoredIn(shape: Shape, these: readonly Json[], those: readonly Json[]): Ignored {
  const names = new Set([...these, ...those].flatMap((block) => (isObject(block) ? Object.keys(block) : [])))
  const ignored = new Map<string, 'all' | Ignored>()
  for (const name of names) {
    const inner = shape.inner(name)
    if (inner === undefined) continue
    const [here, there] = [valuesOf(these, name), valuesOf(those, name)]
    const isSilent = here.length === 0 || there.length === 0
    if (inner.computed && (!inner.optional || isSilent)) ignored.set(name, 'all')
    else if (inner.kind === 'list' || inner.kind === 'set') ignored.set(name, ignoredIn(inner, flat(here), flat(there)))
  }
  return ignored
}

const valuesOf = (blocks: readonly Json[], name: string): readonly Json[] =>
  blocks.flatMap((block) => {
    const value = isObject(block) && Object.hasOwn(block, name) ? (block[name] ?? null) : null
    return value === null || value === '' ? [] : [value]
  })

const flat = (values: readonly Json[]): readonly Json[] => values.flatMap((value) => (isList(value) ? value : []))
