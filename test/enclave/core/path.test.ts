import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInside, keyPath, splitPath, valueAt } from '../../../enclave/core/path.ts'

test.each([
  ['Name', 'tags.Name'],
  ['my-key', 'tags.my-key'],
  ['kubernetes.io/x', 'tags["kubernetes.io/x"]'],
  ['with space', 'tags["with space"]'],
  ['a"b', 'tags["a\\"b"]'],
  ['0', 'tags["0"]'],
  ['', 'tags[""]'],
])('the key %j is %s', (key, path) => {
  expect(keyPath('tags', key)).toBe(path)
})

test('a path splits into what it was made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      expect(splitPath(keyPath('image_scanning_configuration.tags', key))).toEqual([
        'image_scanning_configuration',
        'tags',
        key,
      ])
    }),
  )
})

test.each([
  ['tags.Name', 'tags', true],
  ['tags["a.b"]', 'tags', true],
  ['tags', 'tags', true],
  ['tags_all', 'tags', false],
  ['tag', 'tags', false],
])('isInside(%s, %s) is %s', (path, root, inside) => {
  expect(isInside(path, root)).toBe(inside)
})

test('a name leads through a block that occurs once', () => {
  const value = { block: [{ inner: { deep: 1 } }], empty: [], name: 'x' }
  expect(valueAt(value, ['block', 'inner', 'deep'])).toBe(1)
  expect(valueAt(value, ['empty', 'inner'])).toBeUndefined()
  expect(valueAt(value, ['name', 'length'])).toBeUndefined()
  expect(valueAt(value, ['toString'])).toBeUndefined()
})
