import { expect, test } from 'vitest'
import { inBlocks } from '../../../enclave/core/blocks.ts'
import type { Attribute, ResourceType } from '../../../enclave/core/catalog.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'

const block: Attribute = { kind: 'list', optional: true, computed: false, sensitive: false, isSingle: true }
const text: Attribute = { kind: 'string', optional: true, computed: false, sensitive: false }
const type: ResourceType = {
  name: 'aws_x',
  identities: ['id'],
  attributes: new Map<string, Attribute>([
    ['a', text],
    ['b', block],
    ['b.c', text],
    ['b.d', block],
    ['b.d.e', text],
    ['b.m', { ...text, kind: 'map' }],
    ['l', { ...text, kind: 'list' }],
    ['l.c', text],
  ]),
  identify: () => undefined,
}
const kindAt = (path: string) => type.attributes.get(path)?.kind ?? 'string'

type Values = readonly (readonly [string, Json | undefined])[]

test.each<[string, JsonObject, Values, Values]>([
  ['a block that is there', { b: [{ c: 'x' }] }, [['b.c', 'y']], [['b.c', 'y']]],
  [
    'a block that comes',
    { b: [] },
    [
      ['a', '1'],
      ['b.c', 'y'],
    ],
    [
      ['a', '1'],
      ['b', [{ c: 'y' }]],
    ],
  ],
  ['one that older states do not know', {}, [['b.c', 'y']], [['b', [{ c: 'y' }]]]],
  ['one in a block that is there', { b: [{ c: 'x', d: [] }] }, [['b.d.e', 'y']], [['b.d', [{ e: 'y' }]]]],
  [
    'one in a block that comes',
    { b: null },
    [
      ['b.c', 'y'],
      ['b.d.e', 'z'],
    ],
    [['b', [{ c: 'y', d: [{ e: 'z' }] }]]],
  ],
  ['a key of a map in it', { b: [] }, [['b.m.k', 'y']], [['b', [{ m: { k: 'y' } }]]]],
  [
    'nothing of it',
    { b: [] },
    [
      ['b.c', ''],
      ['b.d.e', null],
    ],
    [
      ['b.c', ''],
      ['b.d.e', null],
    ],
  ],
  [
    'some of it, and nothing else',
    { b: [] },
    [
      ['b.c', ''],
      ['b.d.e', 'z'],
    ],
    [['b', [{ d: [{ e: 'z' }] }]]],
  ],
  [
    'what is hidden',
    { b: [] },
    [
      ['b.c', undefined],
      ['b.d.e', 'z'],
    ],
    [
      ['b.c', undefined],
      ['b.d.e', 'z'],
    ],
  ],
  [
    'the whole block as well',
    { b: [] },
    [
      ['b', []],
      ['b.c', 'y'],
    ],
    [
      ['b', []],
      ['b.c', 'y'],
    ],
  ],
  ['a list of blocks', { l: [] }, [['l.c', 'y']], [['l.c', 'y']]],
])('%s', (_, attributes, values, expected) => {
  expect(inBlocks(values, { type, attributes, kindAt, current: () => undefined })).toEqual(expected)
})

test('a block that came by drift keeps what it came with', () => {
  const current = (path: string) => (path === 'b' ? [{ c: 'x' }] : undefined)
  expect(inBlocks([['b.d.e', 'y']], { type, attributes: { b: [] }, kindAt, current })).toEqual([
    ['b', [{ c: 'x', d: [{ e: 'y' }] }]],
  ])
})
