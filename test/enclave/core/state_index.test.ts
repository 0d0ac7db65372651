import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { parseState, type State } from '../../../enclave/core/state.ts'
import { createStateIndex, type Identifier } from '../../../enclave/core/state_index.ts'
import type { ResourceType } from '../../../enclave/core/catalog.ts'

const account = '111122223333'
const arn = (name: string, region = 'eu-west-1') => `arn:aws:ecr:${region}:${account}:repository/${name}`
const west = 'provider["registry.terraform.io/hashicorp/aws"]'
const east = `${west}.east`

type Resource = JsonObject & { readonly type: string; readonly name: string }

const resource = (address: string, attributes: JsonObject, provider = west, instance: JsonObject = {}): Resource => {
  const [type = '', name = ''] = address.split('.')
  return { mode: 'managed', type, name, provider, instances: [{ attributes, ...instance }] }
}
const repository = (name: string, region?: string, provider?: string, instance?: JsonObject): Resource =>
  resource(
    `aws_ecr_repository.${name}`,
    { id: name, name, arn: arn(name, region), registry_id: account },
    provider,
    instance,
  )
const policy = (name: string, provider?: string): Resource =>
  resource(`aws_ecr_repository_policy.${name}`, { id: name, repository: name, registry_id: account }, provider)

const state = (
  resources: readonly JsonObject[],
  { name = 's', lineage = 'l', serial = 1 }: Partial<Pick<State, 'name' | 'lineage' | 'serial'>> = {},
): State => parseState(JSON.stringify({ version: 4, serial, lineage, resources }), name)
const typesOf = (types: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, ResourceType> =>
  new Map(
    Object.entries(types).map(([name, identities]) => [
      name,
      { name, identities, account: 'registry_id', attributes: new Map(), identify: () => undefined },
    ]),
  )
const ecr = typesOf({ aws_ecr_repository: ['id', 'name', 'arn'], aws_ecr_repository_policy: ['id', 'repository'] })
const indexOf = (...states: readonly State[]) => {
  const index = createStateIndex(ecr)
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
    expect(index.at('s', 'aws_ecr_repository.app')?.attributes).toMatchObject({ name: 'app' })
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

describe('deposed objects', () => {
  const waiting = repository('a', 'eu-west-1', west, { deposed: '3b5c0f1e' })
  test('are known, and own no address', () => {
    const index = indexOf(state([waiting]))
    expect(index.find(at('a'))?.address).toBe('aws_ecr_repository.a (deposed object 3b5c0f1e)')
    expect(index.at('s', 'aws_ecr_repository.a')).toBeUndefined()
  })
  test('come after what has their name now', () => {
    const index = indexOf(state([waiting]), state([repository('a')], { name: 'other', lineage: 'm' }))
    expect(index.find(at('a'))?.state).toBe('other')
    index.replace(state([], { name: 'other', lineage: 'm', serial: 9 }), 0)
    expect(index.find(at('a'))?.state).toBe('s')
  })
})

test('of several owners the first is found, and the next once that one has let go', () => {
  const index = indexOf(state([repository('a')]), state([repository('a')], { name: 'other', lineage: 'm' }))
  expect(index.find(at('a'))?.state).toBe('s')
  index.replace(state([], { serial: 9 }), 0)
  expect(index.find(at('a'))?.state).toBe('other')
  expect(index.find(at('b'))).toBeUndefined()
})

test('a type is forgotten with its last resource', () => {
  const index = indexOf(state([repository('a')]))
  expect(index.has('aws_ecr_repository')).toBe(true)
  index.replace(state([], { serial: 2 }), 0)
  expect(index.has('aws_ecr_repository')).toBe(false)
})

test('knows what a resource was made from', () => {
  const index = indexOf(state([repository('a', 'eu-west-1', west, { dependencies: ['module.m.aws_kms_key.k'] })]))
  expect(index.find(at('a'))?.dependencies).toEqual(['module.m.aws_kms_key.k'])
})

describe('names', () => {
  const types = typesOf({
    aws_iam_policy: ['arn', 'name', 'id'],
    aws_iam_role_policy: ['id', '${role}:${name}'],
    aws_db_instance: ['identifier', 'resource_id', 'arn'],
    aws_ecs_service: ['id', '${cluster|last}/${name}'],
    aws_eks_node_group: ['id', '${cluster_name}:${node_group_name}'],
    aws_route53_record: ['id', '${zone_id}_${fqdn|lower}_${type}'],
    aws_lambda_alias: ['arn', '${function_name|last}:${name}'],
    aws_s3_bucket: ['id', 'arn'],
    aws_s3_bucket_policy: ['bucket'],
    aws_network_acl_rule: ['${network_acl_id}:${rule_number}:${egress}'],
    aws_vpc_security_group_ingress_rule: ['id', 'permissions()'],
    aws_security_group_rule: ['security_group_rule_id', 'permissions()'],
    aws_sqs_queue: ['id'],
  })
  const index = createStateIndex(types)
  index.replace(
    state([
      resource('aws_iam_policy.p', { arn: `arn:aws:iam::${account}:policy/path/p`, name: 'p' }),
      resource('aws_iam_role_policy.rp', { id: 'r:rp', role: 'r', name: 'rp' }),
      resource('aws_db_instance.db', {
        arn: `arn:aws:rds:eu-west-1:${account}:db:db`,
        identifier: 'db',
        resource_id: 'db-ABC',
      }),
      resource('aws_ecs_service.s', {
        id: `arn:aws:ecs:eu-west-1:${account}:service/c/s`,
        cluster: `arn:aws:ecs:eu-west-1:${account}:cluster/c`,
        name: 's',
      }),
      resource('aws_eks_node_group.n', { cluster_name: 'c', node_group_name: 'n' }),
      resource('aws_route53_record.r', { zone_id: 'Z1', fqdn: 'WWW.example.com', type: 'A' }),
      resource('aws_lambda_alias.live', {
        function_name: `arn:aws:lambda:eu-west-1:${account}:function:f`,
        name: 'live',
      }),
      resource('aws_s3_bucket.b', { id: 'b', arn: 'arn:aws:s3:::b', region: 'us-east-2' }),
      resource('aws_s3_bucket_policy.b', { id: 'b', bucket: 'b' }),
      resource('aws_network_acl_rule.r', { network_acl_id: 'acl-1', rule_number: 100, egress: false }),
      resource('aws_vpc_security_group_ingress_rule.r', {
        id: 'sgr-1',
        security_group_id: 'sg-1',
        ip_protocol: 'tcp',
        from_port: 22,
        to_port: 22,
        cidr_ipv4: '10.0.0.0/8',
      }),
      resource('aws_security_group_rule.r', {
        type: 'ingress',
        security_group_id: 'sg-1',
        protocol: '6',
        from_port: 80,
        to_port: 80,
        cidr_blocks: ['10.0.0.0/8', '10.1.0.0/16'],
      }),
    ]),
    0,
  )
  test.each<[string, string, string?]>([
    ['aws_iam_policy', 'p', 'us-east-1'],
    ['aws_iam_policy', `arn:aws:iam::${account}:policy/path/p`, 'us-east-1'],
    ['aws_iam_role_policy', 'r:rp', 'us-east-1'],
    ['aws_db_instance', 'db'],
    ['aws_db_instance', 'db-ABC'],
    ['aws_ecs_service', 'c/s'],
    ['aws_ecs_service', `arn:aws:ecs:eu-west-1:${account}:service/c/s`],
    ['aws_eks_node_group', 'c:n'],
    ['aws_route53_record', 'Z1_www.example.com_A', 'us-east-1'],
    ['aws_lambda_alias', 'f:live'],
    ['aws_s3_bucket', 'b', 'us-east-2'],
    ['aws_s3_bucket_policy', 'b', 'us-east-2'],
    ['aws_network_acl_rule', 'acl-1:100:false'],
    ['aws_vpc_security_group_ingress_rule', 'sg-1/tcp/22/22/cidr_ipv4/10.0.0.0/8'],
    ['aws_security_group_rule', 'sg-1/ingress/tcp/80/80/cidr_ipv4/10.0.0.0/8'],
    ['aws_security_group_rule', 'sg-1/ingress/tcp/80/80/cidr_ipv4/10.1.0.0/16'],
  ])('%s: %s', (name, id, region = 'eu-west-1') => {
    expect(index.find({ cloud: 'aws', account, region, type: name, id })?.type).toBe(name)
    expect(index.find({ cloud: 'aws', account: '444455556666', region, type: name, id })).toBeUndefined()
  })

  test.each<[string, string]>([
    ['aws_route53_record', 'Z1_undefined_A'],
    ['aws_ecs_service', 's'],
    ['aws_network_acl_rule', 'acl-1:100:true'],
  ])('but not %s: %s', (name, id) => {
    expect(index.find({ cloud: 'aws', account, region: 'eu-west-1', type: name, id })).toBeUndefined()
  })

  test('with a filter that there is not are a mistake of the catalog', () => {
    expect(() => createStateIndex(typesOf({ aws_x: ['${name|reverse}'] }))).toThrow(TypeError)
  })
})
