import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CloudEvent } from '../../../enclave/core/event.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { STEPS } from '../../../enclave/core/reader.ts'
import { compileReader } from '../../../enclave/core/reader_file.ts'

const eventOf = (requestParameters: JsonObject, element?: Json): CloudEvent => ({
  ...parseRecord({
    eventSource: 'x.amazonaws.com',
    eventName: 'X',
    awsRegion: 'eu-west-1',
    recipientAccountId: '111122223333',
    requestParameters,
  }),
  ...(element === undefined ? {} : { element }),
})

const fail = (message: string, path: readonly unknown[]): never => {
  throw new TypeError(`${path.join('.')}: ${message}`)
}
const compile = (source: Json) => compileReader(source, { fail, note: () => {}, path: [] })

const PATCHES = [
  { op: 'replace', path: '/b/c~1d', value: '1' },
  { op: 'add', path: '/b/e' },
  { op: 'remove', path: '/b/~01' },
  { op: 'add', path: '/bc', value: '2' },
]

describe('a value', () => {
  test.each<[string, Json, JsonObject, Json | undefined]>([
    ['stands at a place', 'request.a.b', { a: { b: 1 } }, 1],
    ['is that of the first element of a list', 'request.a.items.b', { a: { items: [{ b: 1 }, { b: 2 }] } }, 1],
    ['is not there', 'request.a.b', { a: 'b' }, undefined],
    ['is not what every object has', 'request.toString', {}, undefined],
    ['stands in <Action>Request', 'request.XRequest.Id', { XRequest: { Id: { tag: 1, content: 'v' } } }, 'v'],
    ['need not name it', 'request.id', { XRequest: { Id: { tag: 1, content: 'v' } } }, 'v'],
    ['is in another envelope', 'request.id', { DelXReq: { Id: 'v' } }, 'v'],
    ['is in no envelope', 'request.id', { XRequest: { Id: 'v' }, y: 1 }, undefined],
    ['is in the body of a call', 'request.id', { apiId: 'a', createStageInput: { id: 'v' }, template: false }, 'v'],
    ['is in no body', 'request.id', { input: { id: 'v' }, y: 1 }, undefined],
    ['is hidden, and stays so', { from: 'request.a', read: 'lower' }, { a: '***' }, '***'],
    [
      'is hidden in the place of a map',
      { from: 'request.a', read: 'filled' },
      { a: 'HIDDEN_DUE_TO_SECURITY_REASONS' },
      'HIDDEN_DUE_TO_SECURITY_REASONS',
    ],
    [
      'has entries',
      { from: 'request.a', read: 'entries', blocks: { name: 'key', of: 'value.c' } },
      { a: { b: { c: 1 }, d: 2 } },
      [
        { name: 'b', of: 1 },
        { name: 'd', of: null },
      ],
    ],
    ['has no entries', { from: 'request.a', read: 'entries' }, { a: ['b'] }, undefined],
    [
      'has a position in a list',
      { from: 'request.a', placed: 'b' },
      { a: [{ c: {} }, { b: { d: 1 } }, 'b', { b: 1 }, { b: {} }] },
      [{ d: 1, position: 2 }, { position: 5 }],
    ],
    ['is patched', { from: 'request.a', patch: '/b' }, { a: [{ op: 'add', path: '/b', value: '1' }] }, '1'],
    ['is patched away', { from: 'request.a', patch: '/b' }, { a: [{ op: 'remove', path: '/b' }] }, ''],
    ['is patched to nothing', { from: 'request.a', patch: '/b' }, { a: [{ op: 'replace', path: '/b' }] }, ''],
    ['is copied', { from: 'request.a', patch: '/b' }, { a: [{ op: 'copy', from: '/c', path: '/b' }] }, undefined],
    [
      'is not patched',
      { from: 'request.a', patch: '/b' },
      { a: [{ op: 'add', path: '/b/c', value: '1' }, 1] },
      undefined,
    ],
    ['is patched by key', { from: 'request.a', patched: '/b/' }, { a: PATCHES }, { 'c/d': '1', e: '' }],
    ['has keys that are patched away', { from: 'request.a', unpatched: '/b/' }, { a: PATCHES }, ['~1']],
    ['has no patched keys', { from: 'request.a', patched: '/x/' }, { a: PATCHES }, undefined],
    ['has none that go', { from: 'request.a', unpatched: '/x/' }, { a: PATCHES }, undefined],
    ['is a method', { from: 'request.a', read: 'method' }, { a: '/~1a~1b/GET/logging/loglevel' }, 'a/b/GET'],
    ['is every method', { from: 'request.a', read: 'method' }, { a: '/*/*/logging/loglevel' }, '*/*'],
    ['is the names in a map', { from: 'request.a', read: 'names' }, { a: { b: 1 } }, ['b']],
    ['is the values in a map', { from: 'request.a', read: 'values' }, { a: { b: 1 } }, [1]],
    ['is of no map', { from: 'request.a', read: ['names', 'values'] }, { a: 'b' }, undefined],
    ['is filled', { from: 'request.a', read: 'filled' }, { a: { b: '', c: '3' } }, { c: '3' }],
    ['cannot be filled', { from: 'request.a', read: 'filled' }, { a: 'b' }, undefined],
    ['is joined', { from: 'request.a', read: 'joined' }, { a: { b: ['1', '2'], c: '3' } }, { b: '1,2', c: '3' }],
    ['cannot be joined', { from: 'request.a', read: 'joined' }, { a: 'b' }, undefined],
    ['is no method', { from: 'request.a', read: 'method' }, { a: '/variables/b' }, undefined],
    [
      'has keys of its own',
      { from: 'request.a', snake: { low_tide: true } },
      { a: { lowTide: { At: 1 } } },
      { low_tide: { At: 1 } },
    ],
    ['says nothing', { from: 'request.a', snake: { low_tide: null } }, { a: { lowTide: {}, d: {} } }, { d: [{}] }],
    ['is a whole method', { from: 'request.a', read: 'whole_method' }, { a: '/~1a~1b/GET' }, 'a/b/GET'],
    ['is every whole method', { from: 'request.a', read: 'whole_method' }, { a: '/*/*' }, '*/*'],
    ['is a setting', { from: 'request.a', read: 'whole_method' }, { a: '/*/*/caching/enabled' }, undefined],
    ['is a variable', { from: 'request.a', read: 'whole_method' }, { a: '/variables/GET' }, undefined],
    ['is the first that is there', ['request.a', 'request.b'], { a: null, b: 2 }, 2],
    ['is the account', 'event.account', {}, '111122223333'],
    ['is a template', '${request.a}:${request.b}', { a: 'x', b: 2 }, 'x:2'],
    ['is a template with steps', '${request.a|last}/x', { a: 'arn:aws:iam::aws:policy/p' }, 'p/x'],
    ['is a template with a default', '${request.a|last=x}/${request.b=y}', { a: 'c/d' }, 'd/y'],
    ['is a template with a default after a step', '${request.a|first=x}', { a: [] }, 'x'],
    ['is a template with a default for null', '${request.a|last=x}', { a: null }, 'x'],
    ['is a template that lacks a part', '${request.a}:${request.b}', { a: 'x' }, undefined],
    ['is a constant', true, {}, true],
    ['is a constant text', { value: 'off' }, {}, 'off'],
    ['has a default', { from: 'request.a', default: 5 }, {}, 5],
    [
      'has none where CloudTrail left out what there was',
      { from: 'request.a', default: 5 },
      { omitted: true },
      undefined,
    ],
    ['is there', { from: 'request.a', read: 'exists' }, { a: '' }, true],
    ['is not there either', { from: 'request.a', read: 'exists' }, {}, false],
    ['is another word', { from: 'request.a', map: { On: true, '*': false } }, { a: 'On' }, true],
    ['is one of the other words', { from: 'request.a', map: { On: true, '*': false } }, { a: 'toString' }, false],
    ['is a word that is not listed', { from: 'request.a', map: { On: true } }, { a: 'Off' }, undefined],
    ['is the other flag', { from: 'request.a', read: 'not' }, { a: 'true' }, false],
    ['is no flag', { from: 'request.a', read: 'not' }, { a: 'yes' }, undefined],
    ['is picked by its key', { from: 'request.a', pick: 'b.c' }, { a: [{ key: 'b.c', value: '1' }] }, '1'],
    ['is picked, but not there', { from: 'request.a', pick: 'toString' }, { a: [{ key: 'b', value: '1' }] }, undefined],
    ['is of each element', { from: 'request.a', pluck: 'b' }, { a: { items: [{ b: 1 }, { b: 2 }] } }, [1, 2]],
    ['is of each element in an envelope', { from: 'request.a', pluck: 'b' }, { XRequest: { A: { B: 1 } } }, [1]],
    ['is each element', { from: 'request.a', pluck: 'b' }, { a: ['x', { b: 'y' }] }, ['x', 'y']],
    [
      'is of some elements',
      { from: 'request.a', where: { t: 'x' }, pluck: 'b' },
      { a: [{ t: 'x', b: 1 }, { t: 'y' }] },
      [1],
    ],
    [
      'is of some elements, in the case of the API',
      { from: 'request.a', where: { t: 'x' }, pluck: 'b' },
      { a: [{ T: 'x', B: 1 }, { T: 'y' }] },
      [1],
    ],
    [
      'is of all but some elements',
      { from: 'request.a', without: { p: true }, pluck: 'b' },
      { a: [{ p: true, b: 1 }, { p: 'true', b: 2 }, { p: false, b: 3 }, { b: 4 }, 'c'] },
      [3, 4, 'c'],
    ],
    [
      'is of all but some elements and some others',
      { from: 'request.a', without: [{ p: true }, { p: false, b: 3 }], pluck: 'b' },
      {
        a: [
          { p: true, b: 1 },
          { p: false, b: 2 },
          { p: false, b: 3 },
        ],
      },
      [2],
    ],
    ['is in a JSON text', { from: 'request.a', read: 'json', at: 'b.c' }, { a: '{"b":{"c":1}}' }, 1],
    ['is in no JSON text', { from: 'request.a', read: 'json' }, { a: '{' }, undefined],
    ['is escaped', { from: 'request.a', read: ['url', 'json'] }, { a: '%7B%22b%22%3A1%7D' }, { b: 1 }],
    ['is badly escaped', { from: 'request.a', read: 'url' }, { a: '%' }, undefined],
    ['is in Base64', { from: 'request.a', read: 'base64' }, { a: 'Z3JvdXBzOiBbXQ==' }, 'groups: []'],
    ['is in no Base64', { from: 'request.a', read: 'base64' }, { a: 'groups: []' }, undefined],
    ['is bytes in Base64', { from: 'request.a', read: 'base64' }, { a: '/w==' }, undefined],
    ['is the only one', { from: 'request.a', read: 'only' }, { a: ['x'] }, 'x'],
    ['is one of several', { from: 'request.a', read: 'only' }, { a: ['x', 'y'] }, undefined],
    ['is the end of an ARN', { from: 'request.a', read: 'last' }, { a: 'arn:aws:sns:eu-west-1:1:topic' }, 'topic'],
    ['is a name of the DNS', { from: 'request.a', read: 'dns' }, { a: '\\052.Example.com.' }, '*.example.com'],
    [
      'is in quotes',
      { from: 'request.a', read: 'unquoted' },
      { a: ['"x y"', 'z', '0 issue "ca"'] },
      ['x y', 'z', '0 issue "ca"'],
    ],
    ['stands behind a text', { from: 'request.a', after: ':repository/' }, { a: 'x:repository/b/c' }, 'b/c'],
    ['does not stand behind it', { from: 'request.a', after: ':repository/' }, { a: 'x' }, undefined],
    ['stands before a text', { from: 'request.a', before: '/' }, { a: 'x/y/z' }, 'x'],
    ['is a list in a text', { from: 'request.a', split: ',' }, { a: 'x, y' }, ['x', 'y']],
    ['is in minutes', { from: 'request.a', times: 60 }, { a: '5' }, 300],
    ['is one more', { from: 'request.a', plus: 1 }, { a: '2' }, 3],
    ['is no number', { from: 'request.a', times: 60 }, { a: '' }, undefined],
    ['stands for none', { from: 'request.a', none_at: ['request.c', 'request.b'] }, { a: 20, b: '20' }, 0],
    ['is more than none', { from: 'request.a', none_at: 'request.b' }, { a: 30, b: 20 }, 30],
    ['has no number beside it', { from: 'request.a', none_at: 'request.b' }, { a: 30 }, 30],
    ['is not there, nor is what stands for none', { from: 'request.a', none_at: 'request.b' }, {}, undefined],
    ['is first', { from: 'request.a', read: 'first' }, { a: { items: [7] } }, 7],
    ['is in one case', { from: 'request.a', read: ['upper', 'lower'] }, { a: 'aB' }, 'ab'],
    ['is a moment', { from: 'request.a', read: 'moment' }, { a: 1780272000 }, '2026-06-01T00:00:00Z'],
    [
      'is a moment in words',
      { from: 'request.a', read: 'moment' },
      { a: '2026-06-01T00:00:00Z' },
      '2026-06-01T00:00:00Z',
    ],
    ['is past all moments', { from: 'request.a', read: 'moment' }, { a: 1e300 }, 1e300],
    ['is a folder', { from: 'request.a', read: 'folder' }, { a: '/a' }, '/a/'],
    ['is a folder already', { from: 'request.a', read: 'folder' }, { a: '/a/' }, '/a/'],
  ])('%s', (_, source, request, value) => {
    expect(compile(source)(eventOf(request))).toEqual(value)
  })

  test('is that of the element', () => {
    expect(compile('element.id')(eventOf({}, { id: 'vol-1' }))).toBe('vol-1')
    expect(compile('element')(eventOf({}, 'vol-1'))).toBe('vol-1')
  })
})

describe('a list', () => {
  test.each<[string, Json, Json]>([
    ['is an array', [1, 2], [1, 2]],
    ['is wrapped', { items: [1] }, [1]],
    ['is wrapped and counted', { quantity: 1, items: [1] }, [1]],
    [
      'is in an envelope',
      [
        { tag: 1, content: 'a' },
        { tag: 2, content: 'b' },
      ],
      ['a', 'b'],
    ],
    ['is empty', {}, []],
    ['is empty and counted', { quantity: 0 }, []],
    ['is empty in XML', '', []],
    ['is one element', { Key: 'a' }, [{ Key: 'a' }]],
    ['is one text', 'a', ['a']],
  ])('%s', (_, a, list) => {
    expect(compile({ from: 'request.a', read: 'list' })(eventOf({ a }))).toEqual(list)
  })
})

describe('tags', () => {
  test.each<[string, Json, Json | undefined]>([
    ['of most services', [{ key: 'a', value: 'b' }], { a: 'b' }],
    ['of others', [{ Key: 'a', Value: 'b' }], { a: 'b' }],
    ['of KMS', [{ tagKey: 'a', tagValue: 'b' }], { a: 'b' }],
    ['of EC2', { items: [{ key: 'a', value: 'b' }] }, { a: 'b' }],
    ['of S3, by itself and no text', { Key: 'a', Value: true }, { a: true }],
    ['of Lambda', { a: 'b' }, { a: 'b' }],
    ['of Lambda, of which one is the name', { Name: 'a', Team: 'b' }, { Name: 'a', Team: 'b' }],
    ['without a value', [{ key: 'a' }], { a: '' }],
    ['none', {}, {}],
    ['that are none', [1], undefined],
    ['hidden', 'HIDDEN_DUE_TO_SECURITY_REASONS', 'HIDDEN_DUE_TO_SECURITY_REASONS'],
  ])('%s', (_, a, tags) => {
    expect(compile({ from: 'request.a', read: 'tags' })(eventOf({ a }))).toEqual(tags)
  })

  test.each<[Json, Json | undefined]>([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [{ items: [{ key: 'a' }] }, ['a']],
    [
      { a: '1', b: null },
      { a: '1', b: null },
    ],
    [[1], undefined],
  ])('keys of %j', (a, keys) => {
    expect(compile({ from: 'request.a', read: 'keys' })(eventOf({ a }))).toEqual(keys)
  })

  test.each<[Json, Json | undefined]>([
    [{ items: [{ key: 'a', value: '1' }, { key: 'b', value: '' }, { key: 'c' }] }, { a: '1', b: '', c: null }],
    [{}, {}],
    [[1], undefined],
  ])('exact keys of %j', (a, keys) => {
    expect(compile({ from: 'request.a', read: 'exact' })(eventOf({ a }))).toEqual(keys)
  })
})

test('blocks have the names of Terraform, and null or nothing for what is not there', () => {
  const blocks = { b: 'B', c: { from: 'C', blocks: { d: '.' } }, e: true, f: 'request.f', g: { from: 'G', default: 0 } }
  const event = eventOf({ a: [{ B: 1, C: ['x', 'y'] }, {}], f: 2 })
  expect(compile({ from: 'request.a', blocks })(event)).toEqual([
    { b: 1, c: [{ d: 'x' }, { d: 'y' }], e: true, f: 2, g: 0 },
    { b: null, c: [], e: true, f: 2, g: 0 },
  ])
})

test.each<[string, Json, Json | undefined]>([
  ['stands beside the request', { grantId: 'abc' }, 'abc'],
  ['is not there', null, undefined],
  ['is not of that form', 'abc', undefined],
])('a value of the additional data %s', (_, additionalEventData, value) => {
  const record = { eventSource: 'kms.amazonaws.com', eventName: 'RetireGrant', requestParameters: null }
  const event = parseRecord({ ...record, additionalEventData })
  expect(compile('event.additionalEventData.grantId')(event)).toEqual(value)
})

test('structures become blocks by their names', () => {
  const structure = {
    iPSetReferenceStatement: { aRN: 'a', forwardedIPConfig: {} },
    fieldToMatch: { jA3Fingerprint: {} },
    textTransformations: [{ priority: 0, type: 'NONE' }],
    countryCodes: ['DE'],
    toString: null,
  }
  const snake = { text_transformations: 'text_transformation' }
  expect(compile({ from: 'request.a', snake })(eventOf({ a: [structure] }))).toEqual([
    {
      ip_set_reference_statement: [{ arn: 'a', forwarded_ip_config: [{}] }],
      field_to_match: [{ ja3_fingerprint: [{}] }],
      text_transformation: [{ priority: 0, type: 'NONE' }],
      country_codes: ['DE'],
      to_string: null,
    },
  ])
})

test('no record makes a reader fail', () => {
  const steps = [...STEPS.keys()]
  const readers = [
    ...steps.map((read) => compile({ from: 'request.a', read })),
    ...[
      { pick: 'k' },
      { pluck: 'k' },
      { at: 'k.l' },
      { where: { k: 1 } },
      { without: { k: 1 } },
      { map: { k: 1 } },
      { after: ':' },
      { snake: {} },
    ].map((step) => compile({ from: 'request.a', ...step })),
    compile({ from: 'request.a', blocks: { k: 'k', l: { from: 'l', blocks: { m: '.' } } } }),
    compile({ from: 'request.a', split: ',' }),
    compile({ from: 'request.a', times: 2 }),
    compile({ from: 'request.a', none_at: 'request.a' }),
    compile({ from: 'request.a', patch: '/b' }),
    compile({ from: 'request.a', patched: '/b' }),
    compile({ from: 'request.a', unpatched: '/b' }),
  ]
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (a) => {
      const event = eventOf({ a: a as Json })
      expect(() => readers.map((read) => read(event))).not.toThrow()
    }),
    { numRuns: 60 },
  )
})
