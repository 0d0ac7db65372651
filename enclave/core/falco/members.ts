import type { Mapping, Member, Node } from './rule_file.ts'
import { fail, type Mark, type Text } from './source.ts'

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/
const MAX_UINT32 = 2 ** 32 - 1

/** The text of a member that must be there and not be empty. */
export function requiredText(item: Mapping, key: string): Text {
  const member = item.members.get(key) ?? fail('ERR_RULE_FILE', `Item has no mapping for key '${key}'`, item.at)
  return textIn(member)
}

export function optionalText(item: Mapping, key: string): Text | undefined {
  const member = item.members.get(key)
  return member === undefined ? undefined : textIn(member)
}

function textIn({ key, at, value }: Member): Text {
  if (value.kind !== 'scalar') return fail('ERR_RULE_FILE', `'${key}' must be text`, at)
  if (value.empty || value.text.value === '') return fail('ERR_RULE_FILE', `Mapping for key '${key}' is empty`, at)
  return value.text
}

/** What YAML takes for a truth value, quoted or not, as Falco reads it. */
export function optionalFlag(item: Mapping, key: string): boolean | undefined {
  const text = optionalText(item, key)?.value
  const at = item.members.get(key)?.at ?? item.at
  if (text === undefined || TRUE.test(text)) return text === undefined ? undefined : true
  return FALSE.test(text) ? false : fail('ERR_RULE_FILE', `'${key}' must be true or false`, at)
}

export function checkCount(item: Mapping, key: string): void {
  const text = optionalText(item, key)?.value ?? '0'
  if (!/^\d+$/.test(text) || Number(text) > MAX_UINT32)
    fail('ERR_RULE_FILE', `'${key}' must be a number`, item.members.get(key)?.at ?? item.at)
}

/** The texts of a sequence of scalars; `undefined` where the member is missing. */
export function textsIn(item: Mapping, key: string): readonly Text[] | undefined {
  const member = item.members.get(key)
  if (member === undefined) return undefined
  return sequenceIn(member.value, member.at, key).map((node) =>
    node.kind === 'scalar' ? node.text : fail('ERR_RULE_FILE', `'${key}' must hold texts`, node.at),
  )
}

export const sequenceIn = (node: Node, at: Mark, key: string): readonly Node[] =>
  node.kind === 'sequence' ? node.items : fail('ERR_RULE_FILE', `'${key}' must be a sequence`, at)
