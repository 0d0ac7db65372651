import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttributeKind } from '../../../enclave/core/catalog.ts'
import { canonicalJson, type Json } from '../../../enclave/core/json.ts'
import { delta, isRedacted, isSame, shown } from '../../../enclave/core/meaning.ts'

const policy = (statement: object, rest: object = {}): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }], ...rest })
const root = 'arn:aws:iam::111122223333:root'

describe('isSame', () => {
  test.each<[AttributeKind, Json, Json, boolean]>([
    ['string', '', null, true],
    ['string', 'a', 'a', true],
    ['string', 'a', 'A', false],
    ['string', '30', 30, true],
    ['bool', true, 'true', true],
    ['bool', null, false, true],
    ['bool', null, true, false],
    ['number', 30, '30', true],
    ['number', '30.0', 30, true],
    ['number', null, 0, false],
    ['tags', null, '', false],
    ['tags', 'true', true, true],
    ['policy', policy({ Action: 'a:b' }), policy({ Action: ['A:B'] }), true],
    ['policy', policy({ Principal: '*' }), policy({ Principal: { AWS: ['*'] } }), true],
    ['policy', policy({ Principal: { AWS: root } }), policy({ Principal: { AWS: '111122223333' } }), true],
    ['policy', policy({ Sid: '' }), policy({}), true],
    ['policy', policy({ Sid: 'a' }), policy({ Sid: 'b' }), false],
    ['policy', policy({ Effect: 'Deny' }), policy({}), false],
    ['policy', policy({ Resource: 'arn:A' }), policy({ Resource: 'arn:a' }), false],
    ['policy', policy({}, { Version: '2008-10-17' }), '{"Statement":{"Effect":"Allow"}}', true],
    [
      'policy',
      policy({ Condition: { Bool: { 'aws:SecureTransport': false } } }),
      policy({ Condition: { Bool: { 'aws:SecureTransport': ['false'] } } }),
      true,
    ],
    ['policy', policy({ Action: ['a:b', 'a:c'] }), policy({ Action: ['a:c'] }), false],
    ['policy', policy({ NotAction: 'a:b' }), policy({ Action: 'a:b' }), false],
    ['policy', JSON.parse(policy({})) as Json, policy({}), true],
    ['policy', '', null, true],
    ['policy', 'not json', 'not json', true],
    ['policy', 'not json', policy({}), false],
    ['unordered_json', '{"rules":[1,2]}', ' {"rules": [2, 1]}', true],
    ['unordered_json', '{"rules":[1,2]}', '{"rules":[1]}', false],
    ['list', [{ a: '1', b: [] }], [{ a: 1 }], true],
    ['list', [{ a: '1' }, { a: '2' }], [{ a: '2' }, { a: '1' }], false],
    ['set', [{ a: '1' }, { a: '2' }], [{ a: '2' }, { a: '1' }], true],
    ['set', [{ a: '1' }], [{ a: '1' }, { a: '1' }], false],
    ['list', null, [], true],
  ])('%s: %j and %j: %s', (kind, a, b, same) => {
    expect(isSame(kind, a, b)).toBe(same)
    expect(isSame(kind, b, a)).toBe(same)
  })

  const name = fc.constantFrom('ecr:GetObject', 'ecr:PutImage', '*', 'ECR:x', '111122223333', root, 'a')
  const oneOrMore = fc.oneof(name, fc.array(name, { maxLength: 3 }))
  const statement = fc.record(
    {
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: oneOrMore,
      Resource: oneOrMore,
      Principal: oneOrMore,
      Sid: name,
    },
    { requiredKeys: ['Effect'] },
  )
  const policies = fc.record({ Version: fc.constant('2012-10-17'), Statement: fc.array(statement, { maxLength: 4 }) })
  const turned = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(turned).toReversed()
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, inner]) => [key, turned(inner)]),
    )
  }

  test('a policy means the same in any order', () => {
    fc.assert(
      fc.property(policies, (document) => {
        expect(isSame('policy', document as Json, turned(document as Json))).toBe(true)
      }),
    )
  })

  test('is symmetric, and never throws', () => {
    const kinds = fc.constantFrom<AttributeKind>('string', 'bool', 'number', 'map', 'tags', 'policy', 'list', 'set')
    fc.assert(
      fc.property(kinds, fc.jsonValue({ maxDepth: 5 }), fc.jsonValue({ maxDepth: 5 }), (kind, a, b) => {
        expect(isSame(kind, a as Json, b as Json)).toBe(isSame(kind, b as Json, a as Json))
        expect(isSame(kind, a as Json, a as Json)).toBe(true)
      }),
    )
  })

  test('an action, a resource or a principal more is a difference', () => {
    fc.assert(
      fc.property(policies, fc.constantFrom('Action', 'Resource', 'Principal'), (document, field) => {
        const more = { ...document, Statement: [...document.Statement, { Effect: 'Allow', [field]: 'new:one' }] }
        expect(isSame('policy', document as Json, more as Json)).toBe(false)
      }),
    )
  })
})

test.each<[AttributeKind, Json, Json]>([
  ['bool', 'true', true],
  ['number', '30', 30],
  ['string', '', null],
  ['policy', '{ "b": [2, 1], "a": 1 }', '{"a":1,"b":[2,1]}'],
  ['policy', 'not json', 'not json'],
  ['list', [{ a: 1 }], [{ a: 1 }]],
])('%s %j is shown as %j', (kind, value, text) => {
  expect(shown(kind, value)).toEqual(text)
})

test.each<[Json, boolean]>([
  ['HIDDEN_DUE_TO_SECURITY_REASONS', true],
  [{ user: [{ data: '<sensitiveDataRemoved>' }] }, true],
  ['****', true],
  [{ omitted: true, originalSize: 9 }, true],
  ['***', false],
  ['plain', false],
  [null, false],
])('isRedacted(%j) is %s', (value, redacted) => {
  expect(isRedacted(value)).toBe(redacted)
})

test('delta counts what stands twice', () => {
  const [a, b] = [{ x: 'a' }, { x: 'b' }]
  expect(delta([a, a, b], [a, b, b])).toEqual({ added: [b], removed: [a] })
  expect(delta(null, [a])).toEqual({ added: [a], removed: [] })
})

test('canonical JSON is JSON, whatever the order of the keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value as Json))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
