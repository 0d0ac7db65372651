import { describe, expect, it } from 'vitest'
import type { Attribute, Reader, ResourceType, Target } from '../../../enclave/core/catalog.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { compare, stateAt, type Comparison, type Known } from '../../../enclave/core/compare.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import type { AttributeKind } from '../../../enclave/core/kind.ts'

const digest = (value: string): string => `sha256:${value.length}`
const event = parseRecord({
  eventSource: 'example.amazonaws.com',
  eventName: 'Modify',
  eventTime: '2026-01-01T00:00:00Z',
})

const attribute = (kind: AttributeKind, over: Partial<Attribute> = {}): Attribute => ({
  kind,
  computed: false,
  optional: true,
  sensitive: false,
  ...over,
})
const type: ResourceType = {
  name: 'aws_example',
  identities: ['id'],
  identify: () => undefined,
  attributes: new Map([
    ['arn', attribute('string', { computed: true, optional: false })],
    ['size', attribute('number', { computed: true })],
    ['mode', attribute('string')],
    ['password', attribute('string', { sensitive: true })],
    ['key', attribute('kms_key')],
    ['tags', attribute('tags')],
    ['subnets', attribute('set')],
    ['rule', attribute('set')],
    ['rule.port', attribute('number')],
    ['rule.id', attribute('string', { computed: true })],
    ['rule.token', attribute('string', { sensitive: true })],
    ['ingress', attribute('permissions')],
    ['log', attribute('list', { isSingle: true })],
    ['log.id', attribute('string', { computed: true })],
    ['log.level', attribute('string')],
    ['log.token', attribute('string', { sensitive: true })],
    ['log.sink', attribute('list', { isSingle: true })],
    ['log.sink.name', attribute('string')],
    ['log.sink.labels', attribute('map')],
  ]),
}

interface Call {
  readonly set?: JsonObject
  readonly add?: JsonObject
  readonly remove?: JsonObject
  readonly touch?: readonly string[]
}
const readers = (values: JsonObject = {}): ReadonlyMap<string, Reader> =>
  new Map(Object.entries(values).map(([path, value]) => [path, () => value]))
const target = ({ set, add, remove, touch = [] }: Call): Target => ({
  type,
  identify: () => [],
  effect: 'change',
  set: readers(set),
  add: readers(add),
  remove: readers(remove),
  touch,
})

const known = (attributes: JsonObject, sensitive: readonly string[] = []): Known => ({ attributes, sensitive })
const comparison = (call: Call, state: Known, current?: JsonObject): Comparison =>
  compare(target(call), event, state, digest, (path) => current?.[path])
const changes = (call: Call, state: Known, current?: JsonObject): Json =>
  Object.fromEntries(comparison(call, state, current).changes.map(({ path, old, now }) => [path, [old, now]]))

describe('tags', () => {
  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('may be called %s', (key) => {
    const tags: JsonObject = Object.fromEntries([[key, 'v']])
    expect(changes({ set: { tags } }, known({ tags_all: {} }))).toEqual({ [`tags.${key}`]: [null, 'v'] })
    expect(changes({ add: { tags } }, known({ tags_all: {} }))).toEqual({ [`tags.${key}`]: [null, 'v'] })
  })

  it.each<[string, JsonObject, Call, Json]>([
    ['default_tags are the state’s', { tags: {}, tags_all: { Team: 'a' } }, { add: { tags: { Team: 'a' } } }, {}],
    ['without tags_all, tags count', { tags: { T: 'a' } }, { add: { tags: { T: 'b' } } }, { 'tags.T': ['a', 'b'] }],
    ['AWS’s own do not count', { tags_all: {} }, { add: { tags: { 'aws:cloudformation:stack-name': 'x' } } }, {}],
    ['an empty value is a value', { tags_all: {} }, { add: { tags: { T: '' } } }, { 'tags.T': [null, ''] }],
    ['a tag that goes', { tags_all: { T: 'a', U: 'b' } }, { remove: { tags: ['T', 'X'] } }, { 'tags.T': ['a', null] }],
  ])('%s', (_, attributes, call, found) => {
    expect(changes(call, known(attributes))).toEqual(found)
  })
})

describe('what only the provider sets', () => {
  it('is never drift', () => {
    expect(comparison({ set: { arn: 'arn:b' } }, known({ arn: 'arn:a' }))).toEqual({ touched: [], changes: [] })
  })
  it('is, where others may set it', () => {
    expect(changes({ set: { size: 2 } }, known({ size: 1 }))).toEqual({ size: [1, 2] })
  })
  it('is not, in blocks of which the call does not say it', () => {
    const rule = [{ port: 80, id: 'r-1' }]
    expect(changes({ set: { rule: [{ port: '80' }] } }, known({ rule }))).toEqual({})
    expect(changes({ set: { rule: [{ port: 81 }] } }, known({ rule }))).toEqual({ rule: [rule, [{ port: 81 }]] })
  })
})

describe('a block that can occur once', () => {
  const log = [{ id: 'l-1', level: 'all', token: 'abc', sink: [{ name: 'a', labels: { T: 'a' } }] }]
  it.each<[string, Json, Json]>([
    [
      'is told by its arguments',
      [{ level: 'none', token: 'abc', sink: log[0]?.sink ?? [] }],
      { 'log.level': ['all', 'none'] },
    ],
    [
      'is told by those of a block in it, key by key',
      [{ level: 'all', token: 'abc', sink: [{ name: 'b', labels: { T: 'a', U: 'b' } }] }],
      { 'log.sink.name': ['a', 'b'], 'log.sink.labels.U': [null, 'b'] },
    ],
    [
      'loses what is in it',
      [{ level: 'all', token: 'abc', sink: [] }],
      { 'log.sink': [[{ name: 'a', labels: { T: 'a' } }], []] },
    ],
    [
      'hides what is secret, and shows the rest',
      [{ level: 'none', token: 'abcd', sink: log[0]?.sink ?? [] }],
      { 'log.level': ['all', 'none'], 'log.token': ['sha256:3', 'sha256:4'] },
    ],
    [
      'may have one argument that the record hides',
      [{ level: 'none', token: '****', sink: log[0]?.sink ?? [] }],
      { 'log.level': ['all', 'none'], 'log.token': ['sha256:3', null] },
    ],
    ['as the state says', [{ id: null, level: 'all', token: 'abc', sink: log[0]?.sink ?? [] }], {}],
  ])('%s', (_, now, found) => {
    expect(changes({ set: { log: now } }, known({ log }))).toEqual(found)
  })

  it('has fields that no schema describes', () => {
    const [old, now] = [[{ sink: [{ open: false }] }], [{ sink: [{ open: true }] }]]
    const found = { path: 'log.sink.open', old: false, now: true, suspected: false }
    expect(comparison({ set: { log: now } }, known({ log: old })).changes).toEqual([found])
    expect(changes({ set: { log: old } }, known({ log: old }))).toEqual({})
  })

  it('goes and comes as a whole', () => {
    const [old, now] = [[{ level: 'all' }], [{ level: 'none' }]]
    expect(changes({ set: { log: [] } }, known({ log: old }))).toEqual({ log: [old, []] })
    expect(changes({ set: { log: now } }, known({ log: [] }))).toEqual({ log: [[], now] })
  })

  it('comes as a whole where a call names its arguments, without what is secret of it', () => {
    expect(changes({ set: { 'log.level': 'all', 'log.token': 'abc' } }, known({ log: [] }))).toEqual({
      log: [[], [{ level: 'all', token: 'sha256:3' }]],
    })
  })
})

describe('what comes to a list or leaves it', () => {
  const subnets = ['a', 'b']
  it.each<[string, Call, JsonObject | undefined, Json]>([
    ['joins the others', { add: { subnets: ['c'] } }, undefined, { subnets: [subnets, ['a', 'b', 'c']] }],
    [
      'comes for another',
      { remove: { subnets: ['a'] }, add: { subnets: ['c'] } },
      undefined,
      { subnets: [subnets, ['b', 'c']] },
    ],
    ['comes for itself', { remove: { subnets: ['b'] }, add: { subnets: ['b'] } }, undefined, {}],
    ['is there once', { add: { subnets: ['b'] } }, undefined, {}],
    ['leaves the others', { remove: { subnets: ['a'] } }, undefined, { subnets: [subnets, ['b']] }],
    ['was never there', { remove: { subnets: ['c'] } }, undefined, {}],
    [
      'is counted from what drifted before',
      { remove: { subnets: ['c'] } },
      { subnets: ['a', 'b', 'c', 'd'] },
      { subnets: [subnets, ['a', 'b', 'd']] },
    ],
    ['puts right what drifted before', { remove: { subnets: ['c'] } }, { subnets: ['a', 'b', 'c'] }, {}],
  ])('%s', (_, call, current, found) => {
    expect(changes(call, known({ subnets }), current)).toEqual(found)
  })

  it('is there already, with more to it than the call says', () => {
    const rule = [{ port: 80, token: 'a' }]
    expect(changes({ add: { rule: [{ port: '80', token: null }] } }, known({ rule }))).toEqual({})
    expect(comparison({ add: { rule: [{ port: 81 }] } }, known({ rule })).changes).toMatchObject([
      { path: 'rule', delta: { added: [{ port: 81 }], removed: [] } },
    ])
  })

  it('is known by the fields that the call names', () => {
    const rule = [{ port: 80 }, { port: 81 }]
    expect(changes({ remove: { rule: [{ port: '80' }] } }, known({ rule }))).toEqual({ rule: [rule, [{ port: 81 }]] })
  })
})

describe('rules of a security group', () => {
  const block = (cidr_blocks: readonly string[], port = 443): JsonObject => ({
    protocol: 'tcp',
    from_port: port,
    to_port: port,
    cidr_blocks,
  })
  const ingress = [block(['10.0.0.0/8', '192.0.2.0/24'])]
  it('that are in a merged block are there', () => {
    expect(changes({ add: { ingress: [block(['192.0.2.0/24'])] } }, known({ ingress }))).toEqual({})
  })
  it('that come and go are the delta, one by one', () => {
    const came = comparison({ add: { ingress: [block(['0.0.0.0/0'])] } }, known({ ingress })).changes
    expect(came).toMatchObject([{ path: 'ingress', delta: { added: [block(['0.0.0.0/0'])], removed: [] } }])
    const went = comparison({ remove: { ingress: [block(['10.1.0.0/8'])] } }, known({ ingress })).changes
    expect(went).toMatchObject([{ path: 'ingress', delta: { added: [], removed: [block(['10.0.0.0/8'])] } }])
  })
})

describe('what is sensitive', () => {
  it.each<[string, Known, Call, Json]>([
    ['to this state', known({ mode: 'a' }, ['mode']), { set: { mode: 'bb' } }, { mode: ['sha256:1', 'sha256:2'] }],
    ['to the provider', known({ password: 'a' }), { set: { password: 'bb' } }, { password: ['sha256:1', 'sha256:2'] }],
    ['and the same', known({ password: 'hunter2' }), { set: { password: 'hunter2' } }, {}],
    [
      'inside of blocks',
      known({ rule: [{ port: 1, token: 'a' }] }),
      { set: { rule: [{ port: 1, token: 'bb' }] } },
      { rule: [[{ port: 1, token: 'sha256:1' }], [{ port: 1, token: 'sha256:2' }]] },
    ],
    [
      'as one key of a map',
      known({ tags_all: { a: 'x', b: 'y' } }, ['tags.a']),
      { set: { tags: { a: 'xx', b: 'yy' } } },
      { 'tags.a': ['sha256:1', 'sha256:2'], 'tags.b': ['y', 'yy'] },
    ],
  ])('%s', (_, state, call, found) => {
    expect(changes(call, state)).toEqual(found)
  })

  it('is not in the delta either', () => {
    const [change] = comparison({ set: { rule: [{ token: 'hunter2' }] } }, known({ rule: [] })).changes
    expect(change?.delta).toEqual({ added: [{ token: 'sha256:7' }], removed: [] })
    expect(stateAt(type, known({ rule: [{ token: 'hunter2' }] }), 'rule', digest)).toEqual([{ token: 'sha256:7' }])
  })
})

describe('of two attributes that say the same', () => {
  const twins = new Map([
    ['mode', 'size'],
    ['size', 'mode'],
  ])
  it.each<[string, JsonObject, readonly string[]]>([
    ['both are told', { mode: 'a', size: 1 }, ['mode', 'size']],
    ['the one that a state has', { size: 1 }, ['size']],
    ['the one that a state has set', { mode: 'a', size: null }, ['mode']],
    ['both, where a state has none', {}, ['mode', 'size']],
  ])('%s', (_, attributes, told) => {
    const call = { ...target({ set: { mode: 'b', size: 2 } }), type: { ...type, twins } }
    expect(compare(call, event, known(attributes), digest).changes.map(({ path }) => path)).toEqual(told)
  })
})

describe('is suspected, not known', () => {
  it.each(['HIDDEN_DUE_TO_SECURITY_REASONS', '<sensitiveDataRemoved>', '****'])('where the record says %s', (now) => {
    expect(comparison({ set: { mode: now } }, known({ mode: 'a' })).changes).toEqual([
      { path: 'mode', old: 'a', now: null, suspected: true },
    ])
  })
  it.each<[string, Call]>([
    ['sets', { set: { tags: 'HIDDEN_DUE_TO_SECURITY_REASONS' } }],
    ['adds to', { add: { tags: 'HIDDEN_DUE_TO_SECURITY_REASONS' } }],
  ])('where the record hides a map that the call %s', (_, call) => {
    expect(comparison(call, known({ tags: { a: 'b' } })).changes).toEqual([
      { path: 'tags', old: { a: 'b' }, now: null, suspected: true },
    ])
  })
  it('where the call names no value', () => {
    expect(comparison({ touch: ['mode'] }, known({ mode: 'a' })).changes).toEqual([
      { path: 'mode', old: 'a', now: null, suspected: true },
    ])
  })
  it('but not by the call that made what the state has', () => {
    const made = { ...target({ set: { mode: '****', key: 'alias/a', size: 5 } }), effect: 'create' } as const
    const before = known({ mode: 'a', key: '1234', size: 4 })
    expect(compare(made, event, before, digest).changes.map(({ path }) => path)).toEqual(['size'])
    expect(compare(made, event, undefined, digest).changes.map(({ path }) => path)).toContain('mode')
  })
  it('whether an alias is the key that the state has', () => {
    expect(comparison({ set: { key: 'alias/a' } }, known({ key: '1234' })).changes).toEqual([
      { path: 'key', old: '1234', now: 'alias/a', suspected: true },
    ])
  })
})
