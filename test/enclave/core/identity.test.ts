import { expect, test } from 'vitest'
import { compileNames } from '../../../enclave/core/identity.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'

const disk = (volume_id: string, device: string): JsonObject => ({ volume_id, device })

test.each<[string, JsonObject, readonly string[]]>([
  ['id', { id: 'a' }, ['a']],
  ['id', { id: '' }, []],
  ['id', {}, []],
  ['${a}:${b|last}', { a: 1, b: 'x/y' }, ['1:y']],
  ['${a}:${b}', { a: 1 }, []],
  ['${a|method}', { a: 'pets/{id}/GET' }, ['pets/{id}/GET']],
  ['${a|method}', { a: '~1pets~1{id}/GET' }, ['pets/{id}/GET']],
  ['${a|method}', { a: '*/*' }, ['*/*']],
  ['disk.volume_id', { disk: [] }, []],
  ['disk.volume_id', { disk: [disk('v1', 'x')] }, ['v1']],
  ['disk.volume_id', { disk: disk('v1', 'x') }, ['v1']],
  ['disk.volume_id', { disk: [disk('v1', 'x'), disk('', 'y'), disk('v3', 'z')] }, ['v1', 'v3']],
  [
    '${id}:${disk.volume_id}:${disk.device}',
    { id: 'i', disk: [disk('v1', 'x'), disk('v2', 'y')] },
    ['i:v1:x', 'i:v2:y'],
  ],
  ['${user}/${groups}', { user: 'u', groups: ['a', 'b'] }, ['u/a', 'u/b']],
  ['${user}/${groups}', { user: 'u', groups: ['a'] }, ['u/a']],
  ['${user}/${groups}', { user: 'u', groups: [] }, []],
  ['${a}/${b}', { a: ['x', 'y'], b: ['1', '2'] }, ['x/1', 'x/2', 'y/1', 'y/2']],
  ['singleton()', { id: 'a' }, ['singleton']],
])('%s of %j names %j', (identity, attributes, names) => {
  expect(compileNames(identity)(attributes)).toEqual(names)
})
