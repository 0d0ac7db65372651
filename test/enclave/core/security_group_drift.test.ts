import { expect, test } from 'vitest'
import { parseService } from '../../../enclave/core/catalog_file.ts'
import { createCatalog } from '../../../enclave/core/catalog.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { createStateIndex } from '../../../enclave/core/state_index.ts'
import { stateOf, worldOf } from './world.ts'

// The catalog's way to write what docs/comparison.md shows, from a record to a finding.

const RULE = {
  id: 'string computed',
  arn: 'string computed',
  cidr_ipv4: 'string optional',
  description: 'string optional',
  from_port: 'number optional',
  ip_protocol: 'string required',
  security_group_id: 'string required',
  to_port: 'number optional',
}
const schema = JSON.stringify({
  aws_vpc_security_group_ingress_rule: RULE,
  aws_security_group_rule: {
    cidr_blocks: 'list optional',
    from_port: 'number required',
    protocol: 'string required',
    security_group_id: 'string required',
    to_port: 'number required',
    type: 'string required',
  },
  aws_security_group: { arn: 'string computed', id: 'string computed', ingress: 'set optional computed' },
})
const call = (effect: string, verb: string): string => `
    each: permissions
    type: aws_vpc_security_group_ingress_rule
    identity: [element.security_group_rule_id, element.name]
    effect: ${effect}
    or:
      - { type: aws_security_group_rule, identity: [element.security_group_rule_id, element.directed_name], effect: ${effect} }
      - type: aws_security_group
        identity: element.security_group_id
        effect: change
        ${verb}: { ingress: element.block }
    examples:
      - { name: one, request: {}, finds: {} }
      - { name: two, request: {}, finds: {} }
`
const service = parseService(
  `
title: Security groups
source: ec2.amazonaws.com
types:
  aws_vpc_security_group_ingress_rule: { identities: [id, permissions()] }
  aws_security_group_rule: { identities: [permissions()] }
  aws_security_group: { identities: [id, arn], meaning: { ingress: permissions } }
events:
  AuthorizeSecurityGroupIngress: ${call('create', 'add')}
  RevokeSecurityGroupIngress: ${call('delete', 'remove')}
examples: { state: {} }
`,
  'groups.yaml',
  schema,
)

const group = 'sg-0123456789abcdef0'
const catalog = createCatalog([service])
const states = createStateIndex(catalog.types)
states.replace(
  stateOf({
    'aws_security_group.web': {
      arn: `arn:aws:ec2:eu-west-1:111122223333:security-group/${group}`,
      id: group,
      ingress: [{ protocol: 'tcp', from_port: 80, to_port: 80, cidr_blocks: ['10.0.0.0/8', '192.0.2.0/24'] }],
    },
    'aws_vpc_security_group_ingress_rule.tls': {
      arn: 'arn:aws:ec2:eu-west-1:111122223333:security-group-rule/sgr-1',
      id: 'sgr-1',
      security_group_id: group,
      ip_protocol: 'tcp',
      from_port: 443,
      to_port: 443,
      cidr_ipv4: '0.0.0.0/0',
    },
    'aws_security_group_rule.ssh': {
      type: 'ingress',
      security_group_id: group,
      protocol: 'tcp',
      from_port: 22,
      to_port: 22,
      cidr_blocks: ['10.0.0.0/8'],
    },
  }),
  0,
)

const flat = (port: number, cidrIp: string): JsonObject => ({
  groupId: group,
  ipPermissions: {},
  ipProtocol: 'tcp',
  fromPort: port,
  toPort: port,
  cidrIp,
})
const found = (eventName: string, requestParameters: JsonObject): Finding | undefined => {
  const event = parseRecord({
    eventID: '1',
    eventSource: 'ec2.amazonaws.com',
    eventName,
    eventTime: '2026-01-01T00:00:00Z',
    awsRegion: 'eu-west-1',
    recipientAccountId: '111122223333',
    readOnly: false,
    eventType: 'AwsApiCall',
    requestParameters,
  })
  return detect(event, worldOf([], { catalog, states }), 0).findings[0]
}

test.each<[string, string, JsonObject, object]>([
  ['a rule inside the group', 'AuthorizeSecurityGroupIngress', flat(80, '192.0.2.0/24'), { outcome: 'ignored' }],
  ['a rule of its own', 'AuthorizeSecurityGroupIngress', flat(443, '0.0.0.0/0'), { outcome: 'ignored' }],
  ['a rule of the older type', 'AuthorizeSecurityGroupIngress', flat(22, '10.0.0.0/8'), { outcome: 'ignored' }],
  [
    'a rule that no state has',
    'AuthorizeSecurityGroupIngress',
    flat(22, '0.0.0.0/0'),
    {
      outcome: 'drift',
      kind: 'changed',
      verdict: 'confirmed',
      resource: { address: 'aws_security_group.web' },
      delta: { ingress: { added: [{ from_port: 22, cidr_blocks: ['0.0.0.0/0'] }], removed: [] } },
    },
  ],
  [
    'one network of a merged rule',
    'RevokeSecurityGroupIngress',
    flat(80, '10.0.0.0/8'),
    {
      outcome: 'drift',
      resource: { address: 'aws_security_group.web' },
      delta: { ingress: { added: [], removed: [{ from_port: 80, cidr_blocks: ['10.0.0.0/8'] }] } },
    },
  ],
  [
    'a rule of its own, by its id',
    'RevokeSecurityGroupIngress',
    { groupId: group, securityGroupRuleIds: { items: [{ securityGroupRuleId: 'sgr-1' }] } },
    { outcome: 'drift', kind: 'deleted', resource: { address: 'aws_vpc_security_group_ingress_rule.tls' } },
  ],
  [
    'a rule of the older type, by what it permits',
    'RevokeSecurityGroupIngress',
    flat(22, '10.0.0.0/8'),
    { outcome: 'drift', kind: 'deleted', resource: { address: 'aws_security_group_rule.ssh' } },
  ],
])('%s: %s', (_, event, request, finding) => {
  expect(found(event, request)).toMatchObject(finding)
})
