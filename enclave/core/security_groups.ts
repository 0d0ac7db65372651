import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts'
import { normalCidr, normalProtocol } from './network.ts'

/** EC2 and the provider write the ports of "all protocols" as 0, as -1 or not at all. */
const ALL_PROTOCOLS = '-1'
const UNSET_PORT = -1

/** Where a block of `ingress` or `egress`, or an aws_security_group_rule, keeps its peers; and the attribute of a single rule. */
const PEERS = [
  { many: 'cidr_blocks', one: 'cidr_ipv4' },
  { many: 'ipv6_cidr_blocks', one: 'cidr_ipv6' },
  { many: 'prefix_list_ids', one: 'prefix_list_id' },
  { many: 'security_groups', one: 'referenced_security_group_id' },
] as const

type PeerName = (typeof PEERS)[number]['one']

/** One rule of a security group that cannot be divided: as EC2 counts them, and aws_vpc_security_group_*_rule describes them. */
export interface Permission {
  readonly protocol: string
  readonly from: number
  readonly to: number
  readonly peer: PeerName
  /** A network, a prefix list, a group; `self` for the group that the rule is in. */
  readonly id: string
  readonly description: string
}

/** `self` is what the group calls itself: a rule that names its own group means the same. */
export function permission(parts: Permission, self: string | undefined): Permission {
  const protocol = normalProtocol(parts.protocol)
  const isAll = protocol === ALL_PROTOCOLS
  const isNetwork = parts.peer === 'cidr_ipv4' || parts.peer === 'cidr_ipv6'
  const id = isNetwork ? normalCidr(parts.id) : parts.id
  return {
    ...parts,
    protocol,
    from: isAll ? 0 : parts.from,
    to: isAll ? 0 : parts.to,
    id: self !== undefined && withoutOwner(id) === self ? 'self' : id,
  }
}

/** The provider writes another account's group as `111122223333/sg-1`. */
export const withoutOwner = (id: string): string => id.replace(/^\d{12}\//, '')

/** What makes two rules one to EC2: everything but the description. */
export const permissionKey = ({ protocol, from, to, peer, id }: Permission): string =>
  [protocol, from, to, peer, withoutOwner(id)].join('/')

/** The rules that Terraform's blocks stand for: the elements of `ingress` and `egress`, or a rule resource's attributes. */
export function expand(blocks: Json, self?: string): readonly Permission[] {
  const list: readonly Json[] = Array.isArray(blocks) ? (blocks as readonly Json[]) : [blocks]
  return list.filter(isObject).flatMap((block) => expandBlock(block, self))
}

function expandBlock(block: JsonObject, self: string | undefined): readonly Permission[] {
  const protocol = textOf(block['protocol'] ?? block['ip_protocol']) ?? ALL_PROTOCOLS
  const [from, to] = [portOf(block['from_port']), portOf(block['to_port'])]
  const description = textOf(block['description']) ?? ''
  const rules = new Map<string, Permission>() // a group may be named as `self` and by its id
  for (const { peer, id } of peersIn(block)) {
    const rule = permission({ protocol, from, to, peer, id, description }, self)
    rules.set(permissionKey(rule), rule)
  }
  return [...rules.values()]
}

type Peer = Pick<Permission, 'peer' | 'id'>

function peersIn(block: JsonObject): readonly Peer[] {
  const at = (name: string, peer: PeerName): readonly Peer[] => textsOf(block[name]).map((id) => ({ peer, id }))
  const named = PEERS.flatMap(({ many, one }) => [...at(many, one), ...at(one, one)])
  const source = at('source_security_group_id', 'referenced_security_group_id')
  return [...named, ...source, ...(block['self'] === true ? [OWN] : [])]
}

const OWN: Peer = { peer: 'referenced_security_group_id', id: 'self' }

/** Blocks of `ingress` or `egress` for these rules: those that differ in their peers alone share one, as the provider writes them. */
export function collapse(rules: readonly Permission[]): readonly JsonObject[] {
  const groups = Map.groupBy(rules, ({ protocol, from, to, description }) =>
    canonicalJson([protocol, from, to, description]),
  )
  return Array.from(groups.values(), (alike) => {
    const [{ protocol, from, to, description } = { protocol: ALL_PROTOCOLS, from: 0, to: 0, description: '' }] = alike
    const ids = (peer: PeerName): readonly string[] =>
      [...new Set(alike.filter((rule) => rule.peer === peer && rule.id !== 'self').map(({ id }) => id))].sort()
    return {
      ...Object.fromEntries(PEERS.map(({ many, one }) => [many, ids(one)])),
      description,
      from_port: from,
      protocol,
      self: alike.some(({ id }) => id === 'self'),
      to_port: to,
    }
  })
}

/** The same for blocks that stand for the same rules, however they are merged. */
export function normalPermissions(blocks: Json): Json {
  if (blocks === null) return []
  const rules = expand(blocks).map(fullText)
  return [...new Set(rules)].sort()
}

/** The blocks after these rules came; one that is there gets the description of the one that comes. */
export function withPermissions(blocks: Json, added: Json, self?: string): Json {
  const rules = byKey(expand(blocks, self))
  for (const rule of expand(added, self)) rules.set(permissionKey(rule), rule)
  return collapse([...rules.values()])
}

/** The blocks after these rules went; a rule that goes is known by its key alone. */
export function withoutPermissions(blocks: Json, removed: Json, self?: string): Json {
  const gone = byKey(expand(removed, self))
  return collapse(expand(blocks, self).filter((rule) => !gone.has(permissionKey(rule))))
}

/** Everything about a rule. */
const fullText = (rule: Permission): string => `${permissionKey(rule)} ${rule.description}`

/** What came and what went, rule by rule, as blocks. */
export function permissionDelta(
  old: Json,
  now: Json,
): { readonly added: readonly Json[]; readonly removed: readonly Json[] } {
  const [before, after] = [expand(old ?? []), expand(now ?? [])]
  const [had, has] = [new Set(before.map(fullText)), new Set(after.map(fullText))]
  return {
    added: collapse(after.filter((rule) => !had.has(fullText(rule)))),
    removed: collapse(before.filter((rule) => !has.has(fullText(rule)))),
  }
}

/** The names under which a rule resource is found: one for each rule that it stands for. */
export function permissionNames(attributes: JsonObject): readonly string[] {
  const group = textOf(attributes['security_group_id'])
  if (group === undefined) return []
  const direction = textOf(attributes['type'])
  return expand(attributes, group).map((rule) => permissionName(group, rule, direction))
}

/** `direction` is part of the name where the type does not say it: aws_security_group_rule. */
export const permissionName = (group: string, rule: Permission, direction?: string): string =>
  [group, ...(direction === undefined ? [] : [direction]), permissionKey(rule)].join('/')

const byKey = (rules: readonly Permission[]): Map<string, Permission> =>
  new Map(rules.map((rule) => [permissionKey(rule), rule]))

export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function portOf(value: Json | undefined): number {
  const port = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof port === 'number' && Number.isSafeInteger(port) ? port : UNSET_PORT
}

function textsOf(value: Json | undefined): readonly string[] {
  const list: readonly (Json | undefined)[] = Array.isArray(value) ? (value as readonly Json[]) : [value]
  return list.flatMap((member) => textOf(member) ?? [])
}
