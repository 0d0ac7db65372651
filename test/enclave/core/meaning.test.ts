import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KINDS, type AttributeKind } from '../../../enclave/core/kind.ts'
import { canonicalJson, type Json } from '../../../enclave/core/json.ts'
import { delta, isRedacted, isSame, isUndecided, shown, typed } from '../../../enclave/core/meaning.ts'
import { NO_SHAPE, type Shape } from '../../../enclave/core/shape.ts'

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
    ['number', null, 0, true],
    ['number', 1, null, false],
    ['number_text', '100.0', 100, true],
    ['number_text', '100', '101', false],
    ['number_text', '0', null, false],
    ['flag_text', '', 'false', true],
    ['flag_text', null, 'true', false],
    ['list', false, true, false],
    ['set', 5, '5', true],
    ['list', '', [], true],
    ['storage_type', '', 'aurora', true],
    ['storage_type', 'standard', null, true],
    ['storage_type', 'aurora-iopt1', 'aurora', false],
    ['switch', '', 'Disabled', true],
    ['switch', null, 'Enabled', false],
    ['switch', 'off', null, true],
    ['switch', 'DISABLED', 'Disabled', true],
    ['minimum', null, '1', true],
    ['minimum', '2', 2, true],
    ['minimum', null, '0', false],
    ['termination_policies', ['Default'], [], true],
    ['termination_policies', ['Default', 'OldestInstance'], ['OldestInstance'], false],
    ['termination_policies', ['OldestInstance', 'Default'], ['Default', 'OldestInstance'], false],
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
    ['policy', encodeURIComponent(policy({ Action: 'a:b' })), policy({ Action: 'a:b' }), true],
    ['policy', encodeURIComponent(`\n${policy({ Action: 'a:b' })}`), policy({ Action: 'a:c' }), false],
    ['policy', '%7Bbroken%', '%7Bbroken%', true],
    [
      'policy',
      policy({ Condition: { StringEquals: { 'AWS:SourceAccount': '1' } } }),
      policy({ Condition: { StringEquals: { 'aws:SourceAccount': ['1'] } } }),
      true,
    ],
    [
      'policy',
      policy({ Condition: { StringEquals: { 'aws:x': '1', 'AWS:X': '2' } } }),
      policy({ Condition: { StringEquals: { 'aws:x': ['1'] } } }),
      false,
    ],
    [
      'policy',
      policy({ Condition: { StringEquals: { 'aws:x': '1' } } }),
      policy({ Condition: { StringLike: { 'aws:x': '1' } } }),
      false,
    ],
    ['policy', policy({ Principal: '*' }), policy({ Principal: { Service: '*' } }), false],
    ['policy', policy({ Principal: { AWS: '111122223333' } }), policy({ Principal: { AWS: '444455556666' } }), false],
    ['policy', policy({ NotPrincipal: '*' }), policy({ Principal: '*' }), false],
    ['policy', '', null, true],
    ['policy', 'not json', 'not json', true],
    ['policy', 'not json', policy({}), false],
    ['unordered_json', '{"rules":[1,2]}', ' {"rules": [2, 1]}', true],
    ['unordered_json', '{"rules":[1,2]}', '{"rules":[1]}', false],
    ['loose_json', '{"max":5,"of":[true]}', '{"of": ["true"], "max": "5"}', true],
    ['loose_json', '{"max":5}', '{"max":"6"}', false],
    ['loose_json', '{"max":null}', '{"max":"null"}', false],
    ['loose_json', '[1,2]', '[2,1]', false],
    ['list', [{ a: '1', b: [] }], [{ a: 1 }], true],
    ['list', [{ a: '1' }, { a: '2' }], [{ a: '2' }, { a: '1' }], false],
    ['set', [{ a: '1' }, { a: '2' }], [{ a: '2' }, { a: '1' }], true],
    ['set', [{ a: '1' }], [{ a: '1' }, { a: '1' }], false],
    ['list', null, [], true],
    ['set', ['a', 'b'], ['b', 'a'], true],
    ['list', ['a', 'b'], ['b', 'a'], false],
    ['json', '{"a":[1,2],"b":1}', { b: 1, a: [1, 2] }, true],
    ['json', '{"a":[1,2]}', '{"a":[2,1]}', false],
    ['any_case', 'Enabled', 'ENABLED', true],
    ['any_case', 'Enabled', 'Disabled', false],
    ['dns_name', 'WWW.example.com.', 'www.example.com', true],
    ['dns_name', String.raw`\052.example.com`, '*.example.com', true],
    ['dns_name', 'a.example.com', 'b.example.com', false],
    ['dns_names', ['b.example.com.', 'A.example.com'], ['a.example.com', 'b.example.com'], true],
    ['dns_names', ['a.example.com'], ['a.example.com', 'b.example.com'], false],
    ['security_group', '444455556666/sg-1', 'sg-1', true],
    ['security_group', '444455556666/sg-1', 'sg-2', false],
    ['cidr', '10.1.2.3/8', '10.0.0.0/8', true],
    ['cidr', '10.0.0.1', '10.0.0.1/32', true],
    ['cidr', '10.0.0.0/8', '10.0.0.0/9', false],
    ['cidr', '2001:DB8:0::/32', '2001:db8::/32', true],
    ['cidr', '::ffff:192.0.2.1', '::ffff:c000:201/128', true],
    ['cidr', '::/0', '0:0:0:0:0:0:0:0/0', true],
    ['cidr', '::/0', '0.0.0.0/0', false],
    ['cidr', '2001:db8::/33', '2001:db8:8000::/33', false],
    ['cidr', '256.0.0.0/8', '0.0.0.0/8', false],
    ['cidr', '1::2::3', '1::3', false],
    ['cidrs', ['10.0.0.0/8', '2001:DB8::/32'], ['2001:db8::/32', '10.9.9.9/8'], true],
    ['cidrs', ['10.0.0.0/8'], ['10.0.0.0/8', '0.0.0.0/0'], false],
    ['protocol', '6', 'TCP', true],
    ['protocol', 'all', -1, true],
    ['protocol', 'tcp', 'udp', false],
    ['time', '2026-01-02T03:04:05Z', '2026-01-02T05:04:05+02:00', true],
    ['time', 'Jan 2, 2026, 3:04:05 AM', '2026-01-02T03:04:05Z', true],
    ['time', 'Jan 2, 2026, 3:04:05\u202fPM', '2026-01-02T15:04:05Z', true],
    ['time', '2026-01-02T03:04:05Z', '2026-01-02T03:04:06Z', false],
    ['time', 'tomorrow', 'tomorrow', true],
    ['time_zone', 'Etc/UTC', null, true],
    ['time_zone', 'Etc/UTC', 'UTC', true],
    ['time_zone', 'Europe/Berlin', '', false],
    ['arn_or_name', 'arn:aws:iam::111122223333:role/service-role/app', 'app', true],
    ['arn_or_name', 'arn:aws:sns:eu-west-1:111122223333:topic', 'topic', true],
    ['arn_or_name', 'arn:aws:iam::111122223333:role/app', 'arn:aws:iam::444455556666:role/app', false],
    ['arn_or_name', 'arn:aws:iam::111122223333:role/app', 'pp', false],
    ['arn_or_name', 'arn:aws:iam::111122223333:role/app', null, false],
    ['kms_key', 'arn:aws:kms:eu-west-1:111122223333:key/1234', '1234', true],
    [
      'kms_key',
      'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666',
      'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556667',
      false,
    ],
    [
      'kms_key',
      'arn:aws:kms:eu-west-1:111122223333:key/mrk-0a1b',
      'arn:aws:kms:eu-central-1:111122223333:key/mrk-0a1b',
      false,
    ],
    ['kms_key', 'alias/app', 'arn:aws:kms:eu-west-1:111122223333:alias/app', true],
    ['kms_key', 'alias/app', '1234', false],
    ['version', '5.7', '5.7.44', true],
    ['version', '5.7.42', '5.7.44', false],
    ['version', '5.7', '5.70', false],
    [
      'containers',
      '[{"name":"a","image":"i"}]',
      [{ name: 'a', image: 'i', cpu: 0, essential: true, environment: [] }],
      true,
    ],
    [
      'containers',
      [
        {
          name: 'a',
          environment: [
            { name: 'x', value: '1' },
            { name: 'y', value: '2' },
          ],
        },
      ],
      [
        {
          name: 'a',
          environment: [
            { name: 'y', value: '2' },
            { name: 'x', value: '1' },
          ],
        },
      ],
      true,
    ],
    [
      'containers',
      [{ name: 'a', portMappings: [{ containerPort: 80, hostPort: 80, protocol: 'tcp' }] }],
      [{ name: 'a', portMappings: [{ containerPort: 80 }] }],
      true,
    ],
    ['containers', [{ name: 'a', command: ['x', 'y'] }], [{ name: 'a', command: ['y', 'x'] }], false],
    ['containers', [{ name: 'a', essential: false }], [{ name: 'a' }], false],
    ['containers', [{ name: 'a', image: 'i:1' }], [{ name: 'a', image: 'i:2' }], false],
    [
      'containers',
      [{ name: 'a', environment: [{ name: 'x', value: '' }] }],
      [{ name: 'a', environment: [{ name: 'x' }] }],
      false,
    ],
    ['containers', [{ name: 'a' }, { name: 'b' }], [{ name: 'b' }, { name: 'a' }], true],
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
    const kinds = fc.constantFrom<AttributeKind>(...KINDS)
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom(root, 'app', 'alias/a'),
    )
    fc.assert(
      fc.property(kinds, values, values, (kind, a, b) => {
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

describe('a value that one leaf was changed in is another', () => {
  /** The value with its n-th leaf, counted from the left, replaced by one that stands nowhere in it. */
  function changed(value: Json, at: { left: number }): Json {
    if (Array.isArray(value)) return value.map((inner) => changed(inner, at))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, changed(inner, at)]))
    at.left -= 1
    return at.left === -1 ? 'changed:it' : value
  }
  const leaves = (value: Json): number =>
    typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, inner) => sum + leaves(inner), 0)
      : 1

  const word = fc.constantFrom('a', 'b', 'arn:aws:s3:::c', '111122223333')
  const words = fc.uniqueArray(word, { minLength: 1, maxLength: 3 })
  const document = fc.record({
    Version: fc.constant('2012-10-17'),
    Statement: fc.array(
      fc.record({
        Effect: fc.constantFrom('Allow', 'Deny'),
        Action: words,
        Resource: words,
        Principal: fc.record({ AWS: words }),
        Condition: fc.record({ StringEquals: fc.record({ 'aws:x': words }) }),
      }),
      { minLength: 1, maxLength: 1 },
    ),
  })
  const blocks = fc.array(fc.record({ name: word, inner: fc.array(fc.record({ value: word, port: fc.nat(9) })) }), {
    minLength: 1,
    maxLength: 4,
  })
  const containers = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('web', 'log', 'db'),
      image: word,
      command: words,
      environment: fc.array(fc.record({ name: word, value: word }), { maxLength: 2 }),
      portMappings: fc.array(fc.record({ containerPort: fc.integer({ min: 1, max: 99 }) }), { maxLength: 1 }),
    }),
    { minLength: 1, selector: ({ name }) => name },
  )
  const permission = fc.record({
    protocol: fc.constantFrom('tcp', 'udp'),
    from_port: fc.nat(9),
    to_port: fc.nat(9),
    cidr_blocks: fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '192.0.2.0/24'), { minLength: 1 }),
    description: word,
  })
  const kinds: readonly (readonly [AttributeKind, fc.Arbitrary<unknown>])[] = [
    ['policy', document],
    ['json', blocks],
    ['unordered_json', blocks],
    ['list', blocks],
    ['set', blocks],
    ['containers', containers],
    ['dns_names', fc.uniqueArray(fc.constantFrom('a.example.com', '*.example.com', 'b'), { minLength: 1 })],
    ['cidrs', fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '2001:db8::/32', '::/0'), { minLength: 1 })],
    ['permissions', fc.array(permission, { minLength: 1, maxLength: 1 })],
    ['map', fc.dictionary(word, word, { minKeys: 1 })],
    ...(
      ['string', 'any_case', 'dns_name', 'cidr', 'protocol', 'time', 'arn_or_name', 'kms_key', 'version'] as const
    ).map((kind) => [kind, fc.constantFrom('a', 'tcp', '10.0.0.0/8', '5.7.44', 'alias/a', root)] as const),
  ]
  test.each(kinds)('%s', (kind, values) => {
    fc.assert(
      fc.property(values, fc.nat(), (made, pick) => {
        const value = JSON.parse(JSON.stringify(made)) as Json
        expect(isSame(kind, value, changed(value, { left: pick % leaves(value) }))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test.each(
    kinds.filter(([kind]) =>
      ['unordered_json', 'set', 'cidrs', 'dns_names', 'permissions', 'containers'].includes(kind),
    ),
  )('but %s has no order', (kind, values) => {
    fc.assert(
      fc.property(values, (made) => {
        const value = JSON.parse(JSON.stringify(made)) as readonly Json[]
        expect(isSame(kind, value, value.toReversed())).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('with the shape of the provider’s schema', () => {
  const shape = (
    kind: AttributeKind,
    inner: Readonly<Record<string, Shape>> = {},
    over: Partial<Shape> = {},
  ): Shape => ({
    kind,
    computed: false,
    optional: true,
    ...over,
    inner: (name) => inner[name],
  })
  const rule = shape('set', {
    port: shape('number'),
    on: shape('bool'),
    arn: shape('string', {}, { computed: true, optional: false }),
    id: shape('string', {}, { computed: true }),
    target: shape('list', { host: shape('dns_name'), weights: shape('set') }),
    labels: shape('map'),
  })
  test('what XML takes for numbers and flags is shown as what it is', () => {
    const block = shape('list', { tags: shape('tags'), name: shape('string'), rule })
    expect(
      typed(block, [{ name: 7, tags: { Team: true }, rule: [{ port: '80', on: 'true', labels: { a: 1 } }], other: 1 }]),
    ).toEqual([{ name: '7', tags: { Team: 'true' }, rule: [{ port: 80, on: true, labels: { a: 1 } }], other: 1 }])
    expect(typed(block, [{ name: '', rule: null }, 'text'])).toEqual([{ name: '', rule: null }, 'text'])
  })
  test.each<[string, Json, Json, boolean]>([
    ['a number as text', [{ port: '80' }], [{ port: 80 }], true],
    ['what is unset', [{ port: 80, on: false, labels: {}, target: [] }], [{ port: 80 }], true],
    ['a flag', [{ port: 80, on: true }], [{ port: 80 }], false],
    ['what the provider computes', [{ port: 80, arn: 'a' }], [{ port: 80, arn: 'b' }], true],
    ['what it computes where nobody sets it', [{ port: 80, id: 'a' }], [{ port: 80 }], true],
    ['what it may compute, and both sides say', [{ port: 80, id: 'a' }], [{ port: 80, id: 'b' }], false],
    ['order', [{ port: 1 }, { port: 2 }], [{ port: 2 }, { port: 1 }], true],
    ['a set inside a list', [{ target: [{ weights: [1, 2] }] }], [{ target: [{ weights: ['2', '1'] }] }], true],
    [
      'a list inside a set',
      [{ target: [{ host: 'a' }, { host: 'b' }] }],
      [{ target: [{ host: 'b' }, { host: 'a' }] }],
      false,
    ],
    ['a name inside both', [{ target: [{ host: 'A.' }] }], [{ target: [{ host: 'a' }] }], true],
    ['a map inside', [{ labels: { a: '1' } }], [{ labels: { a: 2 } }], false],
    ['one block more', [{ port: 1 }], [{ port: 1 }, { port: 1 }], false],
    ['a block that says nothing', [], [{ id: 'a' }], false],
  ])('%s', (_, a, b, same) => {
    expect(isSame(rule, a, b)).toBe(same)
    expect(isSame(rule, b, a)).toBe(same)
  })

  const targets = shape('set', {
    role: shape('arn_or_name'),
    key: shape('kms_key'),
    engine: shape('list', { version: shape('version') }),
  })
  const role = (name: string, account = '111122223333') => ({ role: `arn:aws:iam::${account}:role/${name}` })
  const version = (text: string) => ({ engine: [{ version: text }] })
  test.each<[string, Json, Json, boolean]>([
    ['an ARN and its name', [role('app')], [{ role: 'app' }], true],
    ['an ARN and another name', [role('app')], [{ role: 'api' }], false],
    ['two ARNs that end alike', [role('app')], [role('app', '444455556666')], false],
    ['ARNs and names in another order', [role('a'), role('b')], [{ role: 'b' }, { role: 'a' }], true],
    [
      'a name on both sides beside ARNs that differ',
      [role('a'), { role: 'a' }],
      [role('a', '444455556666'), { role: 'a' }],
      false,
    ],
    ['a name for two ARNs', [role('a'), role('a', '444455556666')], [{ role: 'a' }], false],
    ['a key by its ARN', [{ key: 'arn:aws:kms:eu-west-1:111122223333:key/1234' }], [{ key: '1234' }], true],
    ['the beginning of a version', [version('5.7')], [version('5.7.44')], true],
    ['another version', [version('5.7')], [version('5.70')], false],
    ['one beginning of two versions', [version('5'), version('5')], [version('5.6'), version('5.7')], true],
  ])('related: %s', (_, a, b, same) => {
    expect(isSame(targets, a, b)).toBe(same)
    expect(isSame(targets, b, a)).toBe(same)
    expect(delta(a, b, targets).added.length + delta(a, b, targets).removed.length === 0).toBe(same)
  })

  test('related texts are the same in any order, from either side, and never hide another', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const block = fc.oneof(
      name.map((text) => ({ role: text })),
      name.map((text) => role(text)),
      name.map((text) => role(text, '444455556666')),
    )
    const lastOf = (blocks: readonly { readonly role: string }[]) =>
      blocks
        .map((one) => one.role.slice(-1))
        .toSorted((a, b) => a.localeCompare(b))
        .join()
    fc.assert(
      fc.property(fc.array(block, { maxLength: 4 }), fc.array(block, { maxLength: 4 }), (a, b) => {
        expect(isSame(targets, a, a.toReversed())).toBe(true)
        expect(isSame(targets, a, b)).toBe(isSame(targets, b, a))
        expect(!isSame(targets, a, b) || lastOf(a) === lastOf(b)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('counts by it what came and went', () => {
    expect(delta([{ port: 1, arn: 'x' }], [{ port: '1' }, { port: 2 }], rule)).toEqual({
      added: [{ port: 2 }],
      removed: [],
    })
  })
})

test.each<[Json, Json, boolean]>([
  ['alias/a', '1234', true],
  ['alias/a', 'arn:aws:kms:eu-west-1:111122223333:key/1234', true],
  ['alias/a', 'alias/b', false],
  ['1234', '5678', false],
  ['alias/a', null, false],
])('whether %j and %j are one key is undecided: %s', (a, b, undecided) => {
  expect(isUndecided('kms_key', a, b)).toBe(undecided)
})

test.each<[AttributeKind, Json, Json]>([
  ['bool', 'true', true],
  ['number', '30', 30],
  ['number_text', 30, '30'],
  ['flag_text', true, 'true'],
  ['string', '', null],
  ['string', 7, '7'],
  ['string', false, 'false'],
  ['tags', true, 'true'],
  ['time', 'Jan 2, 2026, 3:04:05\u202fPM', '2026-01-02T15:04:05Z'],
  ['time', '2026-01-02T03:04:05+02:00', '2026-01-02T03:04:05+02:00'],
  ['time', '', null],
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
  ['***', true],
  ['***OMITTED***', true],
  ['HIDDEN_FOR_SECURITY_REASONS', true],
  ['**', false],
  ['plain', false],
  [null, false],
])('isRedacted(%j) is %s', (value, redacted) => {
  expect(isRedacted(value)).toBe(redacted)
})

test('delta leaves out what a kind of its own takes for the same', () => {
  const [actions, selectors] = [
    { ...NO_SHAPE, kind: 'actions' },
    { ...NO_SHAPE, kind: 'event_selectors' },
  ] as const
  const login = { type: 'authenticate-oidc', order: 1, authenticate_oidc: [{ issuer: 'i', scope: 'openid' }] }
  const resent = { ...login, authenticate_oidc: [{ issuer: 'i', scope: null }] }
  const [here, there] = [
    { type: 'forward', order: 2, target_group_arn: 'tg-1' },
    { type: 'forward', order: 2, target_group_arn: 'tg-2' },
  ]
  expect(delta([login, here], [resent, there], actions)).toEqual({ added: [there], removed: [here] })
  const [all, writes] = [{ read_write_type: 'All' }, { read_write_type: 'WriteOnly' }]
  expect(delta([all], [writes], selectors)).toEqual({ added: [writes], removed: [all] })
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
