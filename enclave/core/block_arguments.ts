import type { Reader, ResourceType } from './catalog.ts'
import { isList } from './document.ts'
import { isObject, type Json } from './json.ts'
import type { AttributeKind } from './kind.ts'

/**
 * What `add` says of a block that can occur once: the arguments that a call names get their values, the others stay.
 * Path and kind of each argument, also of the blocks inside that can occur once, and what reads it of the whole block.
 */
export function blockArguments(
  { attributes }: ResourceType,
  block: string,
  read: Reader,
): readonly (readonly [string, AttributeKind, Reader])[] {
  const isOnce = (path: string): boolean => attributes.get(path)?.isSingle === true
  return [...attributes]
    .filter(([path]) => path.startsWith(`${block}.`) && !isOnce(path) && isOnce(path.slice(0, path.lastIndexOf('.'))))
    .map(([path, { kind }]) => {
      const names = path.slice(block.length + 1).split('.')
      return [path, kind, (event) => argument(read(event), names)] as const
    })
}

function argument(block: Json | undefined, names: readonly string[]): Json | undefined {
  const value = names.reduce<Json | undefined>((outer, name) => {
    const inner = isList(outer) ? outer[0] : outer
    return isObject(inner) ? inner[name] : undefined
  }, block)
  return value ?? undefined
}
