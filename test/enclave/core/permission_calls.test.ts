import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { readPermissions } from '../../../enclave/core/permission_calls.ts'

const group = 'sg-0123456789abcdef0'
const read = (eventName: string, requestParameters: Json, responseElements: Json = null): readonly JsonObject[] =>
  readPermissions(
    parseRecord({
      eventSource: 'ec2.amazonaws.com',
      eventName,
      eventTime: '2026-01-01T00:00:00Z',
      recipientAccountId: '111122223333',
      requestParameters,
      responseElements,
    }),
  )
const permissions = (...items: readonly JsonObject[]): JsonObject => ({ groupId: group, ipPermissions: { items } })
const tcp = {
  ipProtocol: 'tcp',
  fromPort: 443,
  toPort: 443,
  groups: {},
  ipRanges: {},
  ipv6Ranges: {},
  prefixListIds: {},
}
const named = (elements: readonly JsonObject[]) =>
  elements.map((element) => element['directed_name'] ?? element['name'])

describe('every form of a record', () => {
  test.each<[string, string, Json, Json, readonly string[]]>([
    [
      'permissions with several networks',
      'AuthorizeSecurityGroupIngress',
      permissions({
        ...tcp,
        ipRanges: { items: [{ cidrIp: '0.0.0.0/0', description: 'all' }, { cidrIp: '10.0.0.0/8' }] },
        ipv6Ranges: { items: [{ cidrIpv6: '::/0' }] },
      }),
      null,
      [
        'ingress/tcp/443/443/cidr_ipv4/0.0.0.0/0',
        'ingress/tcp/443/443/cidr_ipv4/10.0.0.0/8',
        'ingress/tcp/443/443/cidr_ipv6/::/0',
      ],
    ],
    [
      'the old flat one',
      'AuthorizeSecurityGroupIngress',
      { groupId: group, ipPermissions: {}, ipProtocol: 'tcp', fromPort: 22, toPort: 22, cidrIp: '0.0.0.0/0' },
      null,
      ['ingress/tcp/22/22/cidr_ipv4/0.0.0.0/0'],
    ],
    [
      'prefix lists and groups, its own among them',
      'RevokeSecurityGroupEgress',
      permissions({
        ...tcp,
        prefixListIds: { items: [{ prefixListId: 'pl-1' }] },
        groups: { items: [{ userId: '111122223333', groupId: group }, { groupId: 'sg-2' }] },
      }),
      null,
      [
        'egress/tcp/443/443/prefix_list_id/pl-1',
        'egress/tcp/443/443/referenced_security_group_id/self',
        'egress/tcp/443/443/referenced_security_group_id/sg-2',
      ],
    ],
    [
      'all protocols',
      'AuthorizeSecurityGroupEgress',
      permissions({ ipProtocol: '-1', ipRanges: { items: [{ cidrIp: '0.0.0.0/0' }] } }),
      null,
      ['egress/-1/0/0/cidr_ipv4/0.0.0.0/0'],
    ],
    [
      'the answer, where the request names the group by name',
      'AuthorizeSecurityGroupIngress',
      { groupName: 'default', ipProtocol: 'tcp', fromPort: 22, toPort: 22, cidrIp: '0.0.0.0/0' },
      {
        securityGroupRuleSet: {
          items: [
            {
              groupId: group,
              securityGroupRuleId: 'sgr-1',
              isEgress: false,
              ipProtocol: 'tcp',
              fromPort: 22,
              toPort: 22,
              cidrIpv4: '0.0.0.0/0',
            },
            { groupId: group, ipProtocol: 'tcp', fromPort: 1, toPort: 1, referencedGroupInfo: { groupId: 'sg-2' } },
          ],
        },
      },
      ['ingress/tcp/22/22/cidr_ipv4/0.0.0.0/0', 'ingress/tcp/1/1/referenced_security_group_id/sg-2'],
    ],
    [
      'a new call’s own wrapping, with what XML left in it',
      'ModifySecurityGroupRules',
      {
        ModifySecurityGroupRulesRequest: {
          GroupId: { tag: 1, content: group },
          SecurityGroupRule: {
            tag: 1,
            SecurityGroupRuleId: 'sgr-1',
            SecurityGroupRule: {
              IpProtocol: 'tcp',
              FromPort: '22',
              ToPort: 22,
              CidrIpv4: '192.0.2.7/24',
              Description: 'x',
            },
          },
        },
      },
      null,
      ['tcp/22/22/cidr_ipv4/192.0.2.0/24'],
    ],
  ])('%s', (_, event, request, response, names) => {
    expect(named(read(event, request, response))).toEqual(names.map((name) => `${group}/${name}`))
  })
})

test('an element has the attributes of a rule resource, and the block of an inline rule', () => {
  const [element] = read(
    'AuthorizeSecurityGroupIngress',
    permissions({ ...tcp, groups: { items: [{ groupId: group, description: 'peers' }] } }),
  )
  expect(element).toMatchObject({
    security_group_id: group,
    security_group_rule_id: null,
    ip_protocol: 'tcp',
    from_port: 443,
    to_port: 443,
    cidr_ipv4: null,
    referenced_security_group_id: group,
    description: 'peers',
    block: { protocol: 'tcp', from_port: 443, to_port: 443, self: true, security_groups: [], description: 'peers' },
  })
})

test.each<[string, JsonObject, string]>([
  ['another account', { userId: '444455556666', groupId: 'sg-2' }, '444455556666/sg-2'],
  ['the same account', { userId: '111122223333', groupId: 'sg-2' }, 'sg-2'],
  ['whoever', { groupId: 'sg-2' }, 'sg-2'],
  ['somebody who is hidden', { userId: 'HIDDEN_DUE_TO_SECURITY_REASONS', groupId: 'sg-2' }, 'sg-2'],
])('a group of %s is named as the provider does', (_, member, name) => {
  const [asked] = read('AuthorizeSecurityGroupIngress', permissions({ ...tcp, groups: { items: [member] } }))
  const answer = { securityGroupRuleSet: { items: [{ groupId: group, ...tcp, referencedGroupInfo: member }] } }
  const [answered] = read('AuthorizeSecurityGroupIngress', permissions(tcp), answer)
  for (const element of [asked, answered])
    expect(element).toMatchObject({ referenced_security_group_id: name, block: { security_groups: [name] } })
})

test.each<[string, string, JsonObject, JsonObject]>([
  [
    'by id and new description, in an envelope',
    'UpdateSecurityGroupRuleDescriptionsIngress',
    { SecurityGroupRuleDescription: { SecurityGroupRuleId: 'sgr-1', Description: 'new', tag: 1 } },
    { description: 'new' },
  ],
  ['by id', 'RevokeSecurityGroupIngress', { securityGroupRuleIds: { items: [{ securityGroupRuleId: 'sgr-1' }] } }, {}],
  ['by id alone in its list', 'RevokeSecurityGroupIngress', { securityGroupRuleIds: { items: ['sgr-1'] } }, {}],
  [
    'by id and new description',
    'UpdateSecurityGroupRuleDescriptionsIngress',
    { securityGroupRuleDescriptions: { items: [{ securityGroupRuleId: 'sgr-1', description: 'new' }] } },
    { description: 'new' },
  ],
])('a rule %s is known by nothing else', (_, event, request, more) => {
  expect(read(event, { groupId: group, ...request })).toEqual([
    expect.objectContaining({ security_group_rule_id: 'sgr-1', ip_protocol: null, name: null, block: null, ...more }),
  ])
})

test.each<[string, Json]>([
  ['nothing', null],
  ['empty lists', { groupId: group, ipPermissions: {} }],
  ['permissions without a peer', permissions(tcp)],
])('%s is no rule', (_, request) => {
  expect(read('AuthorizeSecurityGroupIngress', request)).toEqual([])
})

test('never throws', () => {
  const part = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom({ items: [{ items: [] }] }, { content: 1, tag: 1 }),
  )
  const keys = fc.constantFrom(
    'groupId',
    'ipPermissions',
    'securityGroupRuleIds',
    'SecurityGroupRule',
    'cidrIp',
    'fromPort',
  )
  fc.assert(
    fc.property(fc.dictionary(keys, part), fc.dictionary(keys, part), (request, response) => {
      const answer = { securityGroupRuleSet: response } as JsonObject
      expect(Array.isArray(read('ModifySecurityGroupRules', request as Json, answer))).toBe(true)
    }),
  )
})
