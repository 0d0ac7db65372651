import type { ResourceType } from './catalog.ts'
import { isList } from './document.ts'
import { isObject, type Json } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { RELATIONS, spelling, type Spelling } from './names.ts'

/** How an attribute compares, and what lies inside its blocks. */
export interface Shape {
  readonly kind: AttributeKind
  readonly computed: boolean
  readonly optional: boolean
  readonly isSingle?: true
  inner(name: string): Shape | undefined
}

/** Where no schema tells: everything counts, in order. */
export const NO_SHAPE: Shape = { kind: 'list', computed: false, optional: true, inner: () => undefined }

/** What the provider's schema says of an attribute or block; undefined where it does not have it. */
export function shapeOf(type: ResourceType, path: string): Shape | undefined {
  const attribute = type.attributes.get(path)
  return attribute === undefined ? undefined : { ...attribute, inner: (name) => shapeOf(type, `${path}.${name}`) }
}

/** By name: what does not count in a block, what lies inside it, and how both sides may spell what is in it. */
export type Alignment = ReadonlyMap<string, 'ignored' | Alignment | Spelling>

/**
 * What the provider computes is never drift: an attribute that only it sets, and one that it sets where nobody else does,
 * as long as one side is silent about it in all of its blocks.
 */
export function alignmentOf(shape: Shape, these: readonly Json[], those: readonly Json[]): Alignment {
  const names = new Set([...these, ...those].flatMap((block) => (isObject(block) ? Object.keys(block) : [])))
  const alignment = new Map<string, 'ignored' | Alignment | Spelling>()
  for (const name of names) {
    const inner = shape.inner(name)
    if (inner === undefined) continue
    const [here, there] = [valuesOf(these, name), valuesOf(those, name)]
    const isSilent = here.length === 0 || there.length === 0
    if (inner.computed && (!inner.optional || isSilent)) alignment.set(name, 'ignored')
    else if (inner.kind === 'list' || inner.kind === 'set')
      alignment.set(name, alignmentOf(inner, flat(here), flat(there)))
    else if (hasRelation(inner.kind)) alignment.set(name, spelling(RELATIONS[inner.kind], here, there))
  }
  return alignment
}

const hasRelation = (kind: AttributeKind): kind is keyof typeof RELATIONS => Object.hasOwn(RELATIONS, kind)

const valuesOf = (blocks: readonly Json[], name: string): readonly Json[] =>
  blocks.flatMap((block) => {
    const value = isObject(block) && Object.hasOwn(block, name) ? (block[name] ?? null) : null
    return value === null || value === '' ? [] : [value]
  })

const flat = (values: readonly Json[]): readonly Json[] => values.flatMap((value) => (isList(value) ? value : []))
