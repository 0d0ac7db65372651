import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { isSame } from '../../../enclave/core/meaning.ts'
import {
  collapse,
  expand,
  permissionDelta,
  permissionKey,
  permissionNames,
  withoutPermissions,
  withPermissions,
} from '../../../enclave/core/security_groups.ts'

const block = (over: JsonObject): JsonObject => ({
  cidr_blocks: [],
  description: '',
  from_port: 443,
  ipv6_cidr_blocks: [],
  prefix_list_ids: [],
  protocol: 'tcp',
  security_groups: [],
  self: false,
  to_port: 443,
  ...over,
})
const [a, b] = ['10.0.0.0/8', '192.0.2.0/24']

describe('rules are the same', () => {
  test.each<[string, Json, Json, boolean]>([
    [
      'merged or apart',
      [block({ cidr_blocks: [a, b] })],
      [block({ cidr_blocks: [b] }), block({ cidr_blocks: [a] })],
      true,
    ],
    ['by number or name', [block({ protocol: '6', cidr_blocks: [a] })], [block({ cidr_blocks: [a] })], true],
    [
      'for all protocols, whatever the ports',
      [block({ protocol: '-1', from_port: 0, to_port: 0, self: true })],
      [block({ protocol: 'all', from_port: -1, to_port: -1, self: true })],
      true,
    ],
    ['with numbers as text', [block({ cidr_blocks: [a], from_port: '443' })], [block({ cidr_blocks: [a] })], true],
    [
      'in another account',
      [block({ security_groups: ['444455556666/sg-1'] })],
      [block({ security_groups: ['sg-1'] })],
      true,
    ],
    ['but not for another network', [block({ cidr_blocks: [a] })], [block({ cidr_blocks: [b] })], false],
    ['nor another port', [block({ cidr_blocks: [a] })], [block({ cidr_blocks: [a], to_port: 444 })], false],
    ['nor another description', [block({ cidr_blocks: [a] })], [block({ cidr_blocks: [a], description: 'x' })], false],
    ['nor for itself', [block({ self: true })], [block({ security_groups: ['sg-1'] })], false],
    ['nor a network and a prefix list', [block({ cidr_blocks: ['x'] })], [block({ prefix_list_ids: ['x'] })], false],
    ['none and nothing', [], null, true],
  ])('%s', (_, one, other, same) => {
    expect(isSame('permissions', one, other)).toBe(same)
    expect(isSame('permissions', other, one)).toBe(same)
  })
})

const peers = fc.record({
  cidr_blocks: fc.uniqueArray(fc.constantFrom(a, b, '0.0.0.0/0')),
  ipv6_cidr_blocks: fc.uniqueArray(fc.constantFrom('::/0', '2001:db8::/32')),
  prefix_list_ids: fc.uniqueArray(fc.constantFrom('pl-1', 'pl-2')),
  security_groups: fc.uniqueArray(fc.constantFrom('sg-1', 'sg-2')),
  self: fc.boolean(),
  protocol: fc.constantFrom('tcp', 'udp', '-1', '6'),
  from_port: fc.nat(3),
  to_port: fc.nat(3),
  description: fc.constantFrom('', 'x'),
})
const blocks = fc.array(peers.map(block), { maxLength: 4 })

describe('whatever the rules', () => {
  test('merging them keeps them', () => {
    fc.assert(
      fc.property(blocks, (some) => {
        expect(isSame('permissions', some, collapse(expand(some)))).toBe(true)
      }),
    )
  })

  test('what is added is there, what is removed is not, and the rest stays', () => {
    fc.assert(
      fc.property(blocks, blocks, (old, more) => {
        const [before, now] = [keysOf(old), keysOf(withPermissions(old, more))]
        expect(now).toEqual(new Set([...before, ...keysOf(more)]))
        expect(keysOf(withoutPermissions(old, more))).toEqual(before.difference(keysOf(more)))
      }),
    )
  })

  test('what is added and taken away again leaves what was', () => {
    fc.assert(
      fc.property(blocks, blocks, (some, more) => {
        const old = withPermissions([], some) // EC2 has no rule twice
        fc.pre(keysOf(old).isDisjointFrom(keysOf(more)))
        expect(isSame('permissions', withoutPermissions(withPermissions(old, more), more), old)).toBe(true)
      }),
    )
  })

  test('the delta leads from one to the other', () => {
    fc.assert(
      fc.property(blocks, blocks, (old, now) => {
        const { added, removed } = permissionDelta(old, now)
        const rules = new Set([...textsOf(old).difference(textsOf(removed)), ...textsOf(added)])
        expect(rules).toEqual(textsOf(now))
      }),
    )
  })
  const keysOf = (some: Json) => new Set(expand(some).map(permissionKey))
  const textsOf = (some: Json) => new Set(expand(some).map((rule) => JSON.stringify(rule)))
})

test('a rule that comes again brings its description', () => {
  const now = withPermissions([block({ cidr_blocks: [a, b] })], [block({ cidr_blocks: [a], description: 'office' })])
  expect(
    isSame('permissions', now, [block({ cidr_blocks: [b] }), block({ cidr_blocks: [a], description: 'office' })]),
  ).toBe(true)
})

describe('names', () => {
  test.each<[string, JsonObject, readonly string[]]>([
    [
      'one for each network of aws_security_group_rule',
      { type: 'egress', security_group_id: 'sg-1', protocol: 'tcp', from_port: 1, to_port: 2, cidr_blocks: [a, b] },
      [`sg-1/egress/tcp/1/2/cidr_ipv4/${a}`, `sg-1/egress/tcp/1/2/cidr_ipv4/${b}`],
    ],
    [
      'the group that it lets in',
      {
        type: 'ingress',
        security_group_id: 'sg-1',
        protocol: '-1',
        from_port: 0,
        to_port: 0,
        source_security_group_id: 'sg-2',
      },
      ['sg-1/ingress/-1/0/0/referenced_security_group_id/sg-2'],
    ],
    [
      'itself, named in two ways',
      {
        type: 'ingress',
        security_group_id: 'sg-1',
        protocol: 'tcp',
        from_port: 1,
        to_port: 1,
        self: true,
        source_security_group_id: 'sg-1',
      },
      ['sg-1/ingress/tcp/1/1/referenced_security_group_id/self'],
    ],
    [
      'a rule of its own',
      {
        security_group_id: 'sg-1',
        ip_protocol: '-1',
        from_port: null,
        to_port: null,
        cidr_ipv6: '::/0',
        cidr_ipv4: null,
      },
      ['sg-1/-1/0/0/cidr_ipv6/::/0'],
    ],
    ['nothing without a group', { ip_protocol: 'tcp' }, []],
  ])('%s', (_, attributes, names) => {
    expect(permissionNames(attributes)).toEqual(names)
  })
})
