import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { listOf, plain } from './lists.ts'
import { isRedacted } from './meaning.ts'
import { collapse, permission, permissionName, portOf, textOf, type Permission } from './security_groups.ts'

/** How EC2 writes the peers of a permission: the lists, and the member of each that names the peer. */
const PEERS = [
  { lists: ['ipRanges'], names: ['cidrIp'], peer: 'cidr_ipv4' },
  { lists: ['ipv6Ranges'], names: ['cidrIpv6'], peer: 'cidr_ipv6' },
  { lists: ['prefixListIds'], names: ['prefixListId'], peer: 'prefix_list_id' },
  { lists: ['groups', 'userIdGroupPairs'], names: ['groupId', 'groupName'], peer: 'referenced_security_group_id' },
] as const satisfies readonly { lists: readonly string[]; names: readonly string[]; peer: Permission['peer'] }[]

/** The same peers where a record describes rules one by one. */
const SINGLE = [
  { name: 'cidrIpv4', peer: 'cidr_ipv4' },
  { name: 'cidrIp', peer: 'cidr_ipv4' },
  { name: 'cidrIpv6', peer: 'cidr_ipv6' },
  { name: 'prefixListId', peer: 'prefix_list_id' },
  { name: 'referencedGroupId', peer: 'referenced_security_group_id' },
  { name: 'sourceSecurityGroupName', peer: 'referenced_security_group_id' },
] as const satisfies readonly { name: string; peer: Permission['peer'] }[]

const DIRECTIONS = ['ingress', 'egress'] as const

/**
 * The rules that a call on a security group names, one element each, in the names of aws_vpc_security_group_*_rule. What
 * the record does not tell is null; a rule that is named by its id alone has `ip_protocol` null too. Besides the
 * attributes: `name` and `directed_name`, by which the two kinds of rule resources are found, and `block`, the rule as an
 * element of `ingress` or `egress`.
 */
export function readPermissions(event: CloudEvent): readonly JsonObject[] {
  const request = unwrap(event)
  const direction = DIRECTIONS.find((one) => event.name.toLowerCase().endsWith(one))
  const answered = ['securityGroupRuleSet', 'revokedSecurityGroupRuleSet'].flatMap((name) =>
    itemsOf(field(event.response, name)),
  )
  const group =
    textOf(field(request, 'groupId')) ??
    answered.map((rule) => textOf(field(rule, 'groupId'))).find((id) => id !== undefined)
  // The answer knows more: ids, and what a flat request left to defaults.
  const within = { account: event.account, group }
  const rules = answered.length > 0 ? answered.flatMap((rule) => single(rule, within)) : requested(request, within)
  return rules.map((rule) => element(rule, group, direction))
}

/** Where the rules are: another account's groups are named with their owner. */
interface Within {
  readonly account: string
  readonly group: string | undefined
}

/** A rule by its id, by what it permits, or both; and its new description where that is all the record says. */
interface Named {
  readonly ruleId?: string | undefined
  readonly rule?: Permission | undefined
  readonly description?: string | undefined
}

function requested(request: JsonObject, within: Within): readonly Named[] {
  const permissions = itemsOf(field(request, 'ipPermissions')).flatMap((item) => nested(item, within))
  const modified = itemsOf(field(request, 'securityGroupRule')).map((item) => {
    const [named] = single(objectOf(field(item, 'securityGroupRule')), within)
    return { rule: named?.rule, ruleId: textOf(field(item, 'securityGroupRuleId')) }
  })
  const ids = listOf(field(request, 'securityGroupRuleIds') ?? null).map((item) => ({
    ruleId: isObject(item) ? textOf(field(item, 'securityGroupRuleId')) : textOf(item),
  }))
  const descriptions = field(request, 'securityGroupRuleDescriptions') ?? field(request, 'securityGroupRuleDescription')
  const described = itemsOf(descriptions).map((item) => ({
    ruleId: textOf(field(item, 'securityGroupRuleId')),
    description: textOf(field(item, 'description')),
  }))
  const found = [...permissions, ...modified, ...ids, ...described]
  // The oldest form has one rule in the request itself.
  return found.length > 0 ? found : single(request, within)
}

function nested(item: JsonObject, { account, group }: Within): readonly Named[] {
  return PEERS.flatMap(({ lists, names, peer }) =>
    lists.flatMap((list) =>
      itemsOf(field(item, list)).flatMap((member) => {
        const name = names.map((one) => textOf(field(member, one))).find((text) => text !== undefined)
        if (name === undefined) return []
        const id = owned(name, member, account)
        return [{ rule: permission({ ...ports(item), peer, id, description: description(member) }, group) }]
      }),
    ),
  )
}

function single(item: JsonObject, { account, group }: Within): readonly Named[] {
  const ruleId = textOf(field(item, 'securityGroupRuleId'))
  const referenced = objectOf(field(item, 'referencedGroupInfo'))
  const name = textOf(field(referenced, 'groupId'))
  const peers = [
    ...SINGLE.map((one) => ({ peer: one.peer, id: textOf(field(item, one.name)) })),
    { peer: 'referenced_security_group_id' as const, id: name && owned(name, referenced, account) },
  ]
  const rules = peers.flatMap(({ peer, id }) =>
    id === undefined
      ? []
      : [{ ruleId, rule: permission({ ...ports(item), peer, id, description: description(item) }, group) }],
  )
  return rules.length > 0 || ruleId === undefined ? rules : [{ ruleId }]
}

/** A group as the provider writes it: that of another account behind its owner. */
function owned(name: string, { userId, UserId = userId }: JsonObject, account: string): string {
  const owner = textOf(plain(UserId))
  return owner === undefined || owner === account || account === '' || isRedacted(owner) ? name : `${owner}/${name}`
}

const ports = (item: JsonObject): Pick<Permission, 'protocol' | 'from' | 'to'> => ({
  protocol: textOf(field(item, 'ipProtocol')) ?? '-1',
  from: portOf(field(item, 'fromPort')),
  to: portOf(field(item, 'toPort')),
})

const description = (item: JsonObject): string => textOf(field(item, 'description')) ?? ''

function element(
  { ruleId, rule, description: text = rule?.description }: Named,
  group: string | undefined,
  direction: string | undefined,
): JsonObject {
  const known = group !== undefined && rule !== undefined && ![group, rule.id].some(isRedacted)
  const isAll = rule?.protocol === '-1'
  return {
    security_group_id: group ?? null,
    security_group_rule_id: ruleId ?? null,
    ip_protocol: rule?.protocol ?? null,
    from_port: rule === undefined || isAll ? null : rule.from,
    to_port: rule === undefined || isAll ? null : rule.to,
    cidr_ipv4: peerOf(rule, 'cidr_ipv4', group),
    cidr_ipv6: peerOf(rule, 'cidr_ipv6', group),
    prefix_list_id: peerOf(rule, 'prefix_list_id', group),
    referenced_security_group_id: peerOf(rule, 'referenced_security_group_id', group),
    description: text === undefined || text === '' ? null : text,
    name: known ? permissionName(group, rule) : null,
    directed_name: known && direction !== undefined ? permissionName(group, rule, direction) : null,
    block: rule === undefined ? null : (collapse([rule])[0] ?? null),
  }
}

function peerOf(rule: Permission | undefined, peer: Permission['peer'], group: string | undefined): string | null {
  if (rule === undefined || rule.peer !== peer) return null
  return rule.id === 'self' ? (group ?? null) : rule.id
}

/** New EC2 calls have everything in `<Action>Request`. */
function unwrap({ name, request }: CloudEvent): JsonObject {
  const inner = request[`${name}Request`]
  return isObject(inner) ? inner : request
}

/** A member in lower or in upper camel case. */
const field = (object: JsonObject, name: string): Json | undefined =>
  plain(object[name] ?? object[name.charAt(0).toUpperCase() + name.slice(1)])

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
const itemsOf = (value: Json | undefined): readonly JsonObject[] => listOf(value ?? null).filter(isObject)
