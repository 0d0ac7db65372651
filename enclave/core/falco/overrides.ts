import type { Mapping } from './rule_file.ts'
import { fail } from './source.ts'

/** What an item changes of one that was there before: by key, whether it adds or replaces. */
export type Overrides = ReadonlyMap<string, 'append' | 'replace'>

export function readOverrides(item: Mapping, appendable: readonly string[], replaceable: readonly string[]): Overrides {
  const member = item.members.get('override')
  if (member === undefined) return new Map()
  if (member.value.kind !== 'mapping') return fail('ERR_RULE_FILE', "'override' must be a mapping", member.at)
  return new Map(
    [...member.value.members.values()].map(({ key, at, value }): [string, 'append' | 'replace'] => {
      const operation = value.kind === 'scalar' ? value.text.value : ''
      if (operation === 'append' && !appendable.includes(key))
        fail('ERR_RULE_FILE', `Key '${key}' cannot be appended to, use 'replace' instead`, at)
      if (operation === 'replace' && !replaceable.includes(key))
        fail('ERR_RULE_FILE', `Key '${key}' cannot be replaced`, at)
      if (operation === 'append' || operation === 'replace') return [key, operation]
      return fail('ERR_RULE_FILE', `Invalid override operation for key '${key}': expected 'append' or 'replace'`, at)
    }),
  )
}
