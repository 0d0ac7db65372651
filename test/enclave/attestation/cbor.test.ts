import { decode } from 'cbor-x'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCbor } from '../../../enclave/attestation/cbor.ts'
import { cbor, strayFrom } from './forge.ts'

class Refused extends Error {}
const read = (hex: string, lengths: 'definite' | 'either' = 'either') =>
  decodeCbor(Uint8Array.fromHex(hex), lengths, (why) => {
    throw new Refused(why)
  })

test.each([
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['190100', 256],
  ['1a00010000', 65_536],
  ['1b0000000100000000', 4_294_967_296],
  ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['1b0020000000000000', 2n ** 53n],
  ['1bffffffffffffffff', 2n ** 64n - 1n],
  ['20', -1],
  ['3822', -35],
  ['3bffffffffffffffff', -(2n ** 64n)],
  ['40', new Uint8Array(0)],
  ['420102', Uint8Array.of(1, 2)],
  ['63e282ac', '€'],
  ['63efbbbf', '\ufeff'],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['83010203', [1, 2, 3]],
  ['9f0102ff', [1, 2]],
  [
    'a2016161616201',
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', 1],
    ]),
  ],
  ['bf6161bf02f6ffff', new Map([['a', new Map([[2, null]])]])],
  ['d28101', { tag: 18, value: [1] }],
])('%s is read', (hex, value) => {
  expect(read(hex)).toEqual(value)
})

describe('is refused', () => {
  test.each([
    ['nothing', ''],
    ['a trailing byte', '0000'],
    ['a duplicate text key', 'a2616101616102'],
    ['a duplicate integer key', 'a201010102'],
    ['a duplicate key of indefinite length', 'bf616101616102ff'],
    ['a key that is a byte string', 'a1410101'],
    ['a key that is null', 'a1f601'],
    ['undefined', 'f7'],
    ['a float', 'fb3ff0000000000000'],
    ['a simple value', 'f0'],
    ['a simple value in two bytes', 'f814'],
    ['a break on its own', 'ff'],
    ['a byte string in chunks', '5f4101ff'],
    ['a text string in chunks', '7f6161ff'],
    ['text that is not UTF-8', '61ff'],
    ['a surrogate in UTF-8', '63eda080'],
    ['a number in two bytes that needs one', '1817'],
    ['a number in three bytes that needs two', '1900ff'],
    ['a number in five bytes that needs three', '1a0000ffff'],
    ['a number in nine bytes that needs five', '1b00000000ffffffff'],
    ['a length not in its shortest form', '580101'],
    ['a reserved head', '1c'],
    ['a number of indefinite length', '1f'],
    ['a tag of indefinite length', 'df01'],
    ['an array shorter than it says', '8201'],
    ['an array of four thousand million', '9affffffff01'],
    ['a map without its last value', 'a101'],
    ['an indefinite array without its break', '9f01'],
    ['an indefinite map that breaks after a key', 'bf01ff'],
    ['an indefinite map without its break', 'bf0101'],
    ['a string longer than the bytes', '4401'],
    ['a string of 2^64-1 bytes', '5bffffffffffffffff'],
    ['ten arrays in each other', '81'.repeat(10) + '00'],
    ['a hundred thousand arrays in each other', '81'.repeat(100_000)],
  ])('%s', (_, hex) => {
    expect(() => read(hex)).toThrow(Refused)
  })

  test.each(['9f01ff', 'bf0101ff', 'a101bfff'])('%s where lengths must be definite', (hex) => {
    expect(() => read(hex, 'definite')).toThrow(Refused)
    expect(() => read(hex)).not.toThrow()
  })
})

// The reason for a reader of our own: the library takes what must not be taken.
test.each([
  ['a duplicate key', 'a2616101616102'],
  ['text that is not UTF-8', '61ff'],
  ['a number not in its shortest form', '1817'],
  ['a float', 'fb3ff0000000000000'],
])('cbor-x takes %s', (_, hex) => {
  expect(() => decode(Buffer.from(hex, 'hex'))).not.toThrow()
  expect(() => read(hex)).toThrow(Refused)
})

test('reads what cbor-x writes', () => {
  const leaf = fc.oneof(fc.integer(), fc.string({ unit: 'binary' }), fc.uint8Array(), fc.boolean(), fc.constant(null))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), tie('map')),
    map: fc.array(fc.tuple(fc.integer(), tie('value'))).map((entries) => new Map(entries)),
  }))
  fc.assert(
    fc.property(value, (written) => {
      expect(read(cbor.encode(written).toHex())).toEqual(written)
    }),
  )
})

test('throws nothing but its own refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(strayFrom(() => read(bytes.toHex()), Refused)).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})
