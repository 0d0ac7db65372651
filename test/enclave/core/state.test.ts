import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../enclave/core/json.ts'
import { contentOf, parseState, StateError } from '../../../enclave/core/state.ts'
import { isClean } from './thrown.ts'

const head = { version: 4, terraform_version: '1.9.8', serial: 7, lineage: 'l', outputs: {}, check_results: null }
const provider = 'provider["registry.terraform.io/hashicorp/aws"]'
const resource = { mode: 'managed', type: 'aws_ecr_repository', name: 'b', provider }
const parse = (resources: Json, over: object = {}) =>
  parseState(JSON.stringify({ ...head, resources, ...over }), 'x.tfstate')

describe('addresses', () => {
  test.each<[string, object, object]>([
    ['aws_ecr_repository.b', {}, {}],
    ['aws_ecr_repository.b[0]', {}, { index_key: 0 }],
    ['aws_ecr_repository.b["x"]', {}, { index_key: 'x' }],
    ['aws_ecr_repository.b["a.b/\\"c"]', {}, { index_key: 'a.b/"c' }],
    ['module.a.aws_ecr_repository.b', { module: 'module.a' }, {}],
    ['module.a["x"].module.c[1].aws_ecr_repository.b[0]', { module: 'module.a["x"].module.c[1]' }, { index_key: 0 }],
  ])('%s', (address, over, instance) => {
    const { instances } = parse([{ ...resource, ...over, instances: [{ attributes: { id: 'i' }, ...instance }] }])
    expect(instances.map((found) => found.address)).toEqual([address])
  })
})

test("is where API Gateway's other ARN says, which alone has an account", () => {
  const attributes = {
    arn: 'arn:aws:apigateway:eu-west-1::/restapis/a',
    execution_arn: 'arn:aws:execute-api:eu-west-1:111122223333:a',
  }
  const { instances } = parse([{ ...resource, instances: [{ attributes }] }])
  expect(instances[0]?.origin.where).toEqual({ account: '111122223333', region: 'eu-west-1' })
})

describe('keeps what Terraform owns', () => {
  const attributes = { arn: 'arn:aws:ecr:eu-west-1:111122223333:repository/current', id: 'current' }
  const state = parse([
    { ...resource, mode: 'data', instances: [{ attributes: { id: 'data' } }] },
    {
      ...resource,
      instances: [
        { attributes, dependencies: ['aws_kms_key.k'] },
        { attributes: { id: 'old' }, deposed: '3b5c0f1e' },
      ],
    },
  ])

  test('and what waits for its destruction, which has no address of its own', () => {
    expect(state).toMatchObject({ name: 'x.tfstate', lineage: 'l', serial: 7 })
    expect(state.instances.map(({ address, isDeposed }) => [address, isDeposed])).toEqual([
      ['aws_ecr_repository.b', false],
      ['aws_ecr_repository.b (deposed object 3b5c0f1e)', true],
    ])
  })

  test('with its place and its content', () => {
    const [current, old] = state.instances
    expect(current?.origin).toMatchObject({
      type: 'aws_ecr_repository',
      provider,
      where: { account: '111122223333', region: 'eu-west-1' },
    })
    expect(current && contentOf(current)).toEqual({
      attributes,
      sensitive: [],
      dependencies: ['aws_kms_key.k'],
    })
    expect(old?.origin.where).toBeUndefined()
  })
})

test('sensitive attributes are paths without the indexes of lists', () => {
  const at = (value: string) => ({ type: 'get_attr', value })
  const index = (value: string | number) => ({ type: 'index', value: { value, type: typeof value } })
  const sensitive_attributes = [
    [at('password')],
    [at('user'), index(0), at('secret')],
    [at('environment'), index(0), at('variables'), index('a.b')],
  ]
  const state = parse([{ ...resource, instances: [{ attributes: {}, sensitive_attributes }] }])
  expect(state.instances.flatMap((one) => contentOf(one).sensitive)).toEqual([
    'password',
    'user.secret',
    'environment.variables["a.b"]',
  ])
})

test.each<[string, Json]>([
  ['outputs', { outputs: { a: { value: { b: [{ c: { d: [{ e: '"}]\\' }] } }] }, type: ['x', ['y', [['z']]]] } } }],
  ['check results', { check_results: [{ objects: [{ failure_messages: [['x']] }] }] }],
])('what lies as deep as instances in %s is none', (_, over) => {
  const resources = [{ ...resource, instances: [{ attributes: { id: 'i', text: '\\"{[' } }] }]
  expect(parse(resources, over as object).instances).toHaveLength(1)
})

test('reads bytes as it reads text, whatever their white space', () => {
  const text = JSON.stringify(
    { ...head, resources: [{ ...resource, instances: [{ attributes: { id: 'ü' } }] }] },
    null,
    2,
  )
  const [fromText, fromBytes] = [parseState(text, 'x'), parseState(Buffer.from(text), 'x')]
  expect(fromBytes.instances.map(({ address }) => address)).toEqual(fromText.instances.map(({ address }) => address))
  expect(fromBytes.instances.map((one) => contentOf(one).attributes)).toEqual([{ id: 'ü' }])
})

test('a state without resources is a state', () => {
  expect(parse([]).instances).toEqual([])
  expect(parseState(JSON.stringify(head), 'x').instances).toEqual([])
})

const stateText = (instances: string) =>
  `{"version":4,"serial":1,"resources":[{"mode":"managed","type":"t","name":"n","instances":${instances}}]}`
let deep: Json = 1
for (let depth = 0; depth < 100; depth += 1) deep = [deep]
const instance = (over: object): Json => [{ ...resource, instances: [over] }] as unknown as Json

test('refuses what is not UTF-8', () => {
  const bytes = Buffer.from(stateText('[{"attributes":{"id":"i"}}]').replace('"i"', '"\u00ff"'), 'latin1')
  expect(() => parseState(bytes, 'x.tfstate')).toThrow(expect.objectContaining({ code: 'ERR_STATE_JSON' }))
})

describe('refuses', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 'ERR_STATE_JSON'],
    ['half a file', '{"version":4', 'ERR_STATE_JSON'],
    ['a list', '[]', 'ERR_STATE_JSON'],
    ['format 3', JSON.stringify({ ...head, version: 3 }), 'ERR_STATE_VERSION'],
    ['no format', '{}', 'ERR_STATE_VERSION'],
    ['OpenTofu encryption', '{"serial":1,"lineage":"l","encrypted_data":"x"}', 'ERR_STATE_ENCRYPTED'],
    ['a lineage that is no text', JSON.stringify({ ...head, lineage: 1 }), 'ERR_STATE_SHAPE'],
    ['an instance with the wrong bracket', stateText('[{"attributes":{"id":"i"]}]'), 'ERR_STATE_JSON'],
    ['half an instance', stateText('[{"attributes":{"id":"i"}}'), 'ERR_STATE_JSON'],
    ['half a serial', JSON.stringify({ ...head, serial: 1.5 }), 'ERR_STATE_SHAPE'],
  ])('%s', (_, text, code) => {
    expect(() => parseState(text, 'x.tfstate')).toThrow(expect.objectContaining({ code }))
  })

  test.each<[string, Json, string]>([
    ['instances that are no objects', [{ ...resource, instances: [[1]] }], 'ERR_STATE_SHAPE'],
    ['instances that are numbers', [{ ...resource, instances: [0] }], 'ERR_STATE_SHAPE'],
    ['resources that are no list', {}, 'ERR_STATE_SHAPE'],
    ['a resource that is none', [1], 'ERR_STATE_SHAPE'],
    ['an unknown mode', [{ ...resource, mode: 'ephemeral' }], 'ERR_STATE_SHAPE'],
    ['a resource without type', [{ mode: 'managed', name: 'b' }], 'ERR_STATE_SHAPE'],
    ['attributes that are no object', instance({ attributes: [] }), 'ERR_STATE_SHAPE'],
    ['an index that is neither number nor text', instance({ attributes: {}, index_key: {} }), 'ERR_STATE_SHAPE'],
    ['the form of 0.11', instance({ attributes_flat: { id: 'x' } }), 'ERR_STATE_LEGACY'],
    ['a secret path that it cannot read', instance({ sensitive_attributes: [[{ x: 1 }]] }), 'ERR_STATE_SHAPE'],
    ['secret paths that are no list', instance({ sensitive_attributes: 'all' }), 'ERR_STATE_SHAPE'],
    ['dependencies that are no names', instance({ dependencies: [1] }), 'ERR_STATE_SHAPE'],
    ['attributes without bottom', instance({ attributes: { deep } }), 'ERR_STATE_JSON'],
  ])('%s', (_, resources, code) => {
    expect(() => parse(resources)).toThrow(expect.objectContaining({ code }))
    expect(() => parse(resources)).toThrow(/^x\.tfstate: /)
  })
})

test('an error never quotes a value', () => {
  const secret = 'hunter2'
  const resources = instance({ attributes: { password: secret }, sensitive_attributes: [[{ x: secret }]] })
  expect(() => parse(resources)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining(secret) as string }),
  )
})

test('throws nothing but its own error', () => {
  const keys = [
    'mode',
    'type',
    'name',
    'module',
    'instances',
    'attributes',
    'index_key',
    'sensitive_attributes',
  ] as const
  const resources = fc.array(fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.constant('managed'), fc.jsonValue())))
  fc.assert(
    fc.property(fc.oneof(resources, fc.jsonValue()), fc.string(), (value, text) => {
      expect(isClean(() => parseState(text, 'x'), StateError)).toBe(true)
      expect(isClean(() => parseState(JSON.stringify({ ...head, resources: value }), 'x'), StateError)).toBe(true)
    }),
  )
})
