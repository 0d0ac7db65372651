import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../enclave/core/json.ts'
import type { Instance, State } from '../../../enclave/core/state.ts'
import { createStateIndex, type Identifier } from '../../../enclave/core/state_index.ts'
import { catalog } from './world.ts'

const account = '111122223333'
const arn = (name: string, region = 'eu-west-1') => `arn:aws:ecr:${region}:${account}:repository/${name}`
const west = 'provider["registry.terraform.io/hashicorp/aws"]'
const east = `${west}.east`

const instance = (address: string, attributes: JsonObject, provider = west): Instance => ({
  address,
  type: address.split('.')[0] ?? '',
  provider,
  attributes,
  sensitive: [],
  dependencies: [],
})
const repository = (name: string, region?: string, provider?: string): Instance =>
  instance(`aws_ecr_repository.${name}`, { id: name, name, arn: arn(name, region), registry_id: account }, provider)
const policy = (name: string, provider?: string): Instance =>
  instance(`aws_ecr_repository_policy.${name}`, { id: name, repository: name, registry_id: account }, provider)

const state = (instances: readonly Instance[], over: Partial<State> = {}): State => ({
  name: 's',
  lineage: 'l',
  serial: 1,
  instances,
  ...over,
})
const indexOf = (...states: readonly State[]) => {
  const index = createStateIndex(catalog.types)
  for (const one of states) index.replace(one, 0)
  return index
}
const at = (id: string, over: Partial<Identifier> = {}): Identifier => ({
  cloud: 'aws',
  account,
  region: 'eu-west-1',
  type: 'aws_ecr_repository',
  id,
  ...over,
})
const policyAt = (id: string, over: Partial<Identifier> = {}) => at(id, { type: 'aws_ecr_repository_policy', ...over })

describe('find', () => {
  const index = indexOf(
    state([repository('app'), policy('app'), repository('edge', 'us-east-1', east), policy('edge', east)]),
    state([policy('lonely', 'provider["x"]')], { name: 'other', lineage: 'm' }),
  )
  test.each<[string, Identifier, string | undefined]>([
    ['by name', at('app'), 'aws_ecr_repository.app'],
    ['by ARN', at(arn('app')), 'aws_ecr_repository.app'],
    ['not under another type', policyAt(arn('app')), undefined],
    ['not in another region', at('app', { region: 'us-east-1' }), undefined],
    ['not in another account', at('app', { account: '444455556666' }), undefined],
    ["by its provider's region", policyAt('app'), 'aws_ecr_repository_policy.app'],
    ["not in another than its provider's", policyAt('app', { region: 'us-east-1' }), undefined],
    ["by its aliased provider's region", policyAt('edge', { region: 'us-east-1' }), 'aws_ecr_repository_policy.edge'],
    [
      'in any region, where nothing tells',
      policyAt('lonely', { region: 'af-south-1' }),
      'aws_ecr_repository_policy.lonely',
    ],
    ['but only in its account', policyAt('lonely', { account: '444455556666' }), undefined],
  ])('%s', (_, identifier, address) => {
    expect(index.find(identifier)?.address).toBe(address)
  })

  test('says which state owns what', () => {
    expect(index.find(policyAt('lonely'))).toMatchObject({ state: 'other', id: 'lonely' })
    expect(index.at('s', 'aws_ecr_repository.app')?.attributes).toEqual(repository('app').attributes)
    expect(index.at('other', 'aws_ecr_repository.app')).toBeUndefined()
  })
})

test('a provider that works in two regions tells of none', () => {
  const index = indexOf(state([repository('a'), repository('b', 'us-east-1'), policy('a')]))
  expect(index.find(policyAt('a', { region: 'us-east-1' }))?.address).toBe('aws_ecr_repository_policy.a')
})

describe('replace', () => {
  test('swaps a state whole', () => {
    const index = indexOf(state([repository('a'), repository('b')]))
    expect(index.movedAt('s')).toBeUndefined()
    expect(index.replace(state([repository('b'), repository('c')], { serial: 2 }), 99)).toEqual({ kind: 'replaced' })
    expect(['a', 'b', 'c'].map((id) => index.find(at(id))?.address)).toEqual([
      undefined,
      'aws_ecr_repository.b',
      'aws_ecr_repository.c',
    ])
    expect(index.movedAt('s')).toBe(99)
    expect(index.serial('s')).toBe(2)
  })

  test.each<[string, Partial<State>, string]>([
    ['the same serial', {}, 'unchanged'],
    ['an older serial', { serial: 0 }, 'refused'],
    ['another lineage', { lineage: 'other', serial: 9 }, 'refused'],
  ])('%s: %s', (_, over, kind) => {
    const index = indexOf(state([repository('a')]))
    expect(index.replace(state([], over), 1).kind).toBe(kind)
    expect(index.find(at('a'))).toBeDefined()
    expect(index.movedAt('s')).toBeUndefined()
  })

  test('what two states claim stays with the one that is left', () => {
    const index = indexOf(state([repository('a')]), state([repository('a')], { name: 'other', lineage: 'm' }))
    expect(index.find(at('a'))?.state).toBe('s')
    index.replace(state([], { serial: 2 }), 1)
    expect(index.find(at('a'))?.state).toBe('other')
  })
})
