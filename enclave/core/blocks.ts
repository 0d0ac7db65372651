import type { ResourceType } from './catalog.ts'
import { isList } from './document.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { AttributeKind } from './kind.ts'
import { isRedacted, isSame } from './meaning.ts'
import { splitPath, valueAt } from './path.ts'

/** What a block that can occur once holds; undefined where it does not occur. */
export function blockIn(value: Json | undefined): JsonObject | undefined {
  const block = isList(value) && value.length === 1 ? value[0] : value
  return isObject(block) ? block : undefined
}

/** A path, and what a call sets it to; undefined is what the record does not show. */
type Value = readonly [path: string, now: Json | undefined]

/** The resource that a call writes to, as its state has it. */
interface Subject {
  readonly type: ResourceType
  readonly attributes: JsonObject
  readonly kindAt: (path: string) => AttributeKind
  /** What is there by an open drift. */
  readonly current: (path: string) => Json | undefined
}

/** Arguments of a block that can occur once and that the state lacks are that block, unless the record hides one of them. */
export function inBlocks(values: readonly Value[], subject: Subject): readonly Value[] {
  if (!values.some(([path]) => path.includes('.'))) return values // as for most
  const groups = Map.groupBy(values, ([path]) => lackedBlock(subject, path))
  return [...groups].flatMap(([block, members]) => {
    if (block === undefined || values.some(([path]) => path === block) || members.some(isHidden)) return members
    const come = members.filter(([path, now = null]) => !isSame(subject.kindAt(path), null, now))
    if (come.length === 0) return members
    const before = blockIn(subject.current(block)) ?? {}
    return [[block, [come.reduce((around, value) => withArgument(subject.type, block, around, value), before)]]]
  })
}

const isHidden = ([, now]: Value): boolean => now === undefined || isRedacted(now)

/** The outermost block around a path that is not there. */
function lackedBlock({ type, attributes }: Subject, path: string): string | undefined {
  const names = splitPath(path)
  for (let end = 1; end < names.length; end += 1) {
    const block = names.slice(0, end).join('.')
    if (type.attributes.get(block)?.isSingle !== true) return undefined
    if (blockIn(valueAt(attributes, names.slice(0, end))) === undefined) return block
  }
  return undefined
}

function withArgument(
  { attributes }: ResourceType,
  root: string,
  block: JsonObject,
  [path, now = null]: Value,
): JsonObject {
  const names = splitPath(path)
  const inside = (outer: JsonObject, at: number): JsonObject => {
    const name = names[at] ?? ''
    if (at === names.length - 1) return { ...outer, [name]: now }
    const inner = inside(blockIn(outer[name]) ?? {}, at + 1)
    const isBlock = attributes.get(names.slice(0, at + 1).join('.'))?.isSingle === true
    return { ...outer, [name]: isBlock ? [inner] : inner }
  }
  return inside(block, splitPath(root).length)
}
