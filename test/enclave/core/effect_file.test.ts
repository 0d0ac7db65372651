import { describe, expect, test } from 'vitest'
import { createCatalog } from '../../../enclave/core/catalog.ts'
import { parseService } from '../../../enclave/core/catalog_file.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { compileArn, compilePrefix } from '../../../enclave/core/resource_name.ts'

const schema = JSON.stringify({
  aws_vpc: {
    id: 'string computed',
    arn: 'string computed',
    enable: 'bool optional',
    only: 'bool optional',
    tags: 'map optional',
  },
  aws_default_vpc: { id: 'string computed', arn: 'string computed', enable: 'bool optional', tags: 'map optional' },
  aws_ebs_volume: { id: 'string computed', arn: 'string computed', tags: 'map optional' },
  aws_set: { id: 'string computed', ids: 'set optional' },
  aws_block: {
    id: 'string computed',
    settings: 'list optional single',
    'settings.name': 'string optional',
    'settings.role': 'string optional',
    'settings.inner': 'list optional single',
    'settings.inner.ids': 'set optional',
    'settings.rules': 'list optional',
    'settings.rules.port': 'number optional',
  },
  aws_ec2_tag: { id: 'string computed', key: 'string required', value: 'string required' },
})
const examples = '[{ name: a, finds: nothing }]'
const text = `
title: Example
source: ec2.amazonaws.com
types:
  aws_vpc: { identities: [id, arn], arn: ['vpc/\${id}'], prefix: vpc- }
  aws_default_vpc: { like: aws_vpc }
  aws_ebs_volume: { identities: [id], arn: ['volume/\${id}'], prefix: vol- }
  aws_set: { identities: [id] }
  aws_block: { identities: [id] }
events:
  Modify:
    targets:
      - { type: aws_vpc, identity: request.id, when: request.enable, set: { enable: request.enable.value, only: request.only } }
      - { type: aws_set, identity: request.id, when: { request.name: [a, 'b*'], request.off: null }, touch: [ids] }
    examples: ${examples}
  Change: { type: aws_vpc, identity: request.id, set: { enable: request.enable }, examples: ${examples} }
  Configure:
    type: aws_block
    identity: request.id
    set: { settings.role: request.settings.roleName }
    add: { settings: { from: request.settings, snake: {} } }
    examples: ${examples}
  Restrict:
    type: aws_vpc
    identity: request.id
    set: { only: request.only }
    or: [{ type: aws_default_vpc, set: { enable: request.only } }]
    examples: ${examples}
  Attach:
    type: aws_set
    identity: request.set
    each: request.list.items
    add: { ids: element.id }
    or: [{ type: aws_vpc, identity: element.id, touch: [only] }]
    aliases: [AttachAgain]
    examples: ${examples}
  Batch:
    targets:
      - { type: aws_set, identity: element.id, each: request.list, failed: { from: response.failed, pluck: id }, effect: delete }
      - type: aws_set
        identity: request.id
        if_owned: true
        effect: put
        or: [{ type: aws_vpc, mirror: true, set: { only: request.only } }, { type: aws_ebs_volume, add: { tags: request.tags } }]
    examples: ${examples}
tagging:
  CreateTags: { each: request.resourcesSet.items, resource: element.resourceId, add: request.tagSet, examples: ${examples} }
  TagAll: { each: request.list, resource: element, everywhere: true, add: request.tags, examples: ${examples} }
`
const service = parseService(text, 'example.yaml', schema)
const catalog = createCatalog([service])

/** Per effect, the forms: type, names, and what each verb gives. */
function touches(eventName: string, requestParameters: JsonObject) {
  const event = parseRecord({ eventSource: 'ec2.amazonaws.com', eventName, requestParameters })
  const entry = catalog.entry(event.source, event.name)
  return entry?.kind === 'configuration'
    ? entry
        .touches(event)
        .map(({ event: one, targets }) =>
          targets.map(({ type, identify, set, add, touch }) => [
            type.name,
            identify(one),
            Object.fromEntries(Array.from([...set, ...add], ([path, read]) => [path, read(one)])),
            touch,
          ]),
        )
    : undefined
}

describe('a call touches', () => {
  test('what `or` says of a type before what is left of the one that it is like', () => {
    expect(touches('Restrict', { id: 'vpc-1', only: true })).toEqual([
      [
        ['aws_vpc', ['vpc-1'], { only: true }, []],
        ['aws_default_vpc', ['vpc-1'], { enable: true }, []],
        ['aws_default_vpc', ['vpc-1'], {}, []],
      ],
    ])
  })

  test('what its condition says, in each form of the type', () => {
    expect(touches('Modify', { id: 'vpc-1', enable: { value: true } })).toEqual([
      [
        ['aws_vpc', ['vpc-1'], { enable: true, only: undefined }, []],
        ['aws_default_vpc', ['vpc-1'], { enable: true }, []],
      ],
    ])
  })

  test.each<[string, JsonObject, number]>([
    ['one of the values', { name: 'a' }, 1],
    ['a pattern', { name: 'bcd' }, 1],
    ['another value', { name: 'cb' }, 0],
    ['a value where none should be', { name: 'a', off: 1 }, 0],
    ['nothing', {}, 0],
  ])('by a condition, given %s', (_, request, count) => {
    expect(touches('Modify', { id: 'x', ...request })).toHaveLength(count)
  })

  test('each element of a list, in several forms', () => {
    const expected = (id: string) => [
      ['aws_set', ['s'], { ids: [id] }, []],
      ['aws_vpc', [id], {}, ['only']],
      ['aws_default_vpc', [id], {}, []],
    ]
    const request = { set: 's', list: { items: [{ id: 'vpc-1' }, { id: 'vpc-2' }] } }
    expect(touches('Attach', request)).toEqual([expected('vpc-1'), expected('vpc-2')])
    expect(touches('AttachAgain', request)).toEqual(touches('Attach', request))
    expect(touches('Attach', { set: 's', list: {} })).toEqual([])
  })

  test('the arguments that are there of a block that can occur once', () => {
    const request = { id: 'b', settings: { name: 'n', role: 'r', inner: { ids: ['a'] }, rules: [{ port: 1 }] } }
    const values = { 'settings.name': 'n', 'settings.inner.ids': ['a'], 'settings.rules': [{ port: 1 }] }
    expect(touches('Configure', request)).toEqual([[['aws_block', ['b'], values, []]]])
    expect(touches('Configure', { id: 'b', settings: {} })).toEqual([])
    expect(touches('Configure', { id: 'b', settings: { inner: 'HIDDEN_DUE_TO_SECURITY_REASONS' } })).toEqual([])
  })

  test('something without a name, where the record hides it', () => {
    const [[[, names] = []] = []] = touches('Change', { id: 'HIDDEN_DUE_TO_SECURITY_REASONS', enable: true }) ?? []
    expect(names).toEqual([])
  })

  test('nothing, when what it changes is not described', () => {
    expect(touches('Change', { id: 'vpc-1', other: true })).toEqual([])
    // CloudTrail left it out, so it may be anything.
    expect(touches('Change', { id: 'vpc-1', omitted: true })).toHaveLength(1)
  })

  test('not a form of which it says nothing', () => {
    const types = (request: JsonObject) =>
      touches('Batch', { id: 'x', ...request })?.map((forms) => forms.map(([name]) => name))
    expect(types({ only: true })).toEqual([['aws_set', 'aws_vpc', 'aws_default_vpc']])
    expect(types({ tags: [{ key: 'a', value: 'b' }] })).toEqual([['aws_set', 'aws_ebs_volume', 'aws_default_vpc']])
  })

  test('whatever it tags', () => {
    const tagSet = { items: [{ key: 'a', value: 'b' }] }
    const items = ['vol-1', 'vpc-1', 'eni-1'].map((resourceId) => ({ resourceId }))
    // What names nothing is not checked, and told so.
    const another = [['aws_vpc', [], { tags: { a: 'b' } }, []]]
    expect(touches('CreateTags', { resourcesSet: { items }, tagSet })).toEqual([
      [['aws_ebs_volume', ['vol-1'], { tags: { a: 'b' } }, []]],
      [
        ['aws_vpc', ['vpc-1'], { tags: { a: 'b' } }, []],
        ['aws_default_vpc', ['vpc-1'], { tags: { a: 'b' } }, []],
      ],
      another,
    ])
    const arn = 'arn:aws:ec2:eu-west-1:111122223333:volume/vol-1'
    // As it stands in the path of a call.
    expect(touches('TagAll', { list: [encodeURIComponent(arn)], tags: { a: 'b' } })).toEqual([
      [['aws_ebs_volume', ['vol-1', arn], { tags: { a: 'b' } }, []]],
    ])
    expect(touches('TagAll', { list: ['arn%3A%'], tags: { a: 'b' } })).toEqual([])
    expect(touches('TagAll', { list: [arn, 'arn:aws:s3:::x'], tags: { a: 'b' } })).toEqual([
      [['aws_ebs_volume', ['vol-1', arn], { tags: { a: 'b' } }, []]],
      another,
    ])
  })
})

test('what is meant only where a state has it, and what only shows another', () => {
  const entry = catalog.entry('ec2.amazonaws.com', 'Batch')
  const marks =
    entry?.kind === 'configuration' ? entry.targets.map((one) => [one.type.name, one.ifOwned, one.isMirror]) : []
  expect(marks.slice(1)).toEqual([
    ['aws_set', true, undefined],
    ['aws_vpc', undefined, true],
    ['aws_ebs_volume', undefined, true], // a change where the first form is made
    ['aws_default_vpc', undefined, true],
  ])
})

test('what failed is known', () => {
  const entry = catalog.entry('ec2.amazonaws.com', 'Batch')
  if (entry?.kind !== 'configuration') throw new TypeError('not described')
  const event = (failed: JsonObject[]) =>
    parseRecord({
      eventSource: 'ec2.amazonaws.com',
      eventName: 'Batch',
      requestParameters: { list: [{ id: 'a' }, { id: 'b' }], id: 'x' },
      responseElements: { failed },
    })
  const names = (failed: JsonObject[]) =>
    entry.touches(event(failed)).map(({ event: one, targets }) => targets[0].identify(one))
  expect(names([])).toEqual([['a'], ['b'], ['x']])
  expect(names([{ id: 'a' }])).toEqual([['b'], ['x']])
  expect([[], [{ id: 'a' }]].map((failed) => entry.hasFailed(event(failed)))).toEqual([false, true])
})

describe('where one tag may be a resource', () => {
  const single = createCatalog([
    parseService(
      text.replace('\nevents:', '\n  aws_ec2_tag: { identities: [id], one_tag: true }\nevents:'),
      'example.yaml',
      schema,
    ),
  ])
  const forms = (requestParameters: JsonObject) => {
    const event = parseRecord({ eventSource: 'ec2.amazonaws.com', eventName: 'CreateTags', requestParameters })
    const entry = single.entry(event.source, event.name)
    return entry?.kind === 'configuration'
      ? entry
          .touches(event)
          .map(({ targets }) => targets.map((one) => [one.type.name, one.effect, one.identify(event), one.ifOwned]))
      : undefined
  }
  const resourcesSet = { items: [{ resourceId: 'vol-1' }] }
  const volume = ['aws_ebs_volume', 'change', ['vol-1'], undefined]

  test('each is tried as one first', () => {
    const tagSet = {
      items: [
        { key: 'a', value: 'x' },
        { key: 'b', value: 'y' },
      ],
    }
    expect(forms({ resourcesSet, tagSet })).toEqual([
      [['aws_ec2_tag', 'put', ['vol-1,a'], true], volume],
      [['aws_ec2_tag', 'put', ['vol-1,b'], true], volume],
    ])
  })

  test.each<[string, Json]>([
    ['none', { items: [] }],
    ['hidden', 'HIDDEN_DUE_TO_SECURITY_REASONS'],
    ['of no form', [1, 2]],
  ])('tags that are %s are one change', (_, tagSet) => {
    expect(forms({ resourcesSet, tagSet })).toEqual([[volume]])
  })
})

test('places are those of the record', () => {
  const places = (event: string) => service.calls.find((call) => call.event === event)?.places
  expect(places('Attach')).toEqual(['request.list.items', 'request.set', 'request.list.items.id'])
  expect(places('CreateTags')).toEqual([
    'request.resourcesSet.items',
    'request.resourcesSet.items.resourceId',
    'request.tagSet',
  ])
})

describe('an ARN', () => {
  const arn = (resource: string, owner = 'x') => `arn:aws-cn:${owner}:eu-west-1:111122223333:${resource}`
  test.each<[string, string, readonly string[] | undefined]>([
    ['repository/${id}', arn('repository/a/b'), ['a/b', arn('repository/a/b')]],
    ['role/*/${name}', arn('role/a/b/c'), ['c', arn('role/a/b/c')]],
    ['role/${name}', arn('role/a/b'), undefined],
    ['loadbalancer/app/*', arn('loadbalancer/app/a/1'), [arn('loadbalancer/app/a/1')]],
    ['loadbalancer/app/*', arn('loadbalancer/net/a/1'), undefined],
    ['${id}', arn('a', 'y'), undefined],
    ['a.b', arn('axb'), undefined],
    ['${id}', 'a', undefined],
    ['${id}', `${arn('a')}${'a'.repeat(4096)}`, undefined],
  ])('%s of %s', (pattern, name, names) => {
    expect(compileArn(pattern, 'x')(name)).toEqual(names)
  })

  test('is no id', () => {
    expect(compilePrefix('vol-')('vol-1')).toEqual(['vol-1'])
    expect(compilePrefix('vol-')('arn:vol-1')).toBeUndefined()
  })
})
