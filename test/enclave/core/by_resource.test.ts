import { expect, test } from 'vitest'
import { createByResource } from '../../../enclave/core/by_resource.ts'

/** Of each resource, what it is called. */
function remembered(most: number, ...resources: readonly (readonly [state: string, address: string])[]) {
  const known = createByResource<string>(most)
  for (const [state, address] of resources) known.set(state, address, `${state} ${address}`)
  return known
}

test('a resource is the one of its state and its address', () => {
  const known = remembered(9, ['a', 'x'], ['b', 'x'], ['a', 'y'])
  expect([known.get('a', 'x'), known.get('b', 'x'), known.get('a', 'y')]).toEqual(['a x', 'b x', 'a y'])
  expect([known.get('b', 'y'), known.get('c', 'x')]).toEqual([undefined, undefined])
})

test.each<[what: string, resources: readonly (readonly [string, string])[], left: readonly string[]]>([
  [
    'of one state',
    [
      ['a', 'x'],
      ['a', 'y'],
      ['a', 'z'],
    ],
    ['a y', 'a z'],
  ],
  [
    'of several',
    [
      ['a', 'x'],
      ['b', 'x'],
      ['b', 'y'],
    ],
    ['b x', 'b y'],
  ],
  [
    'but not one that was set again',
    [
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'x'],
      ['b', 'y'],
    ],
    ['a x', 'b y'],
  ],
])('the oldest goes, %s', (_, resources, left) => {
  expect([...remembered(2, ...resources).values()]).toEqual(left)
})

test('what is deleted is gone, and makes room', () => {
  const known = remembered(2, ['a', 'x'], ['a', 'y'])
  known.delete('a', 'y')
  known.delete('a', 'nothing')
  known.delete('nowhere', 'x')
  expect(known.get('a', 'y')).toBeUndefined()
  known.set('a', 'z', 'new')
  expect([...known.values()]).toEqual(['a x', 'new'])
})

test('there is one value of a resource, the last', () => {
  const known = remembered(9, ['a', 'x'])
  known.set('a', 'x', 'new')
  expect([...known.values()]).toEqual(['new'])
})
