import { decode, encode } from 'cbor-x'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Reader, Writer, int } from '../../../enclave/sealing/cbor.ts'
import { codeOf, fill, hex } from './fixture.ts'

// RFC 8949, appendix A, and both sides of every change of width.
const INTEGERS: readonly (readonly [number, string])[] = [
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [0xff, '18ff'],
  [0x100, '190100'],
  [0xffff, '19ffff'],
  [0x1_0000, '1a00010000'],
  [1_000_000, '1a000f4240'],
  [0xffff_ffff, '1affffffff'],
  [0x1_0000_0000, '1b0000000100000000'],
  [1_000_000_000_000, '1b000000e8d4a51000'],
  [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
]

describe('integers', () => {
  test.each(INTEGERS)('%i', (value, encoded) => {
    expect(int(value).toString('hex')).toBe(encoded)
    const input = new Reader(hex(encoded))
    expect(input.uint()).toBe(value)
    input.end()
  })

  test.each([
    [-1, '20'],
    [-1000, '3903e7'],
    [-65_537, '3a00010000'],
  ])('%i', (value, encoded) => {
    expect(int(value).toString('hex')).toBe(encoded)
  })
})

describe('what is not the one encoding is malformed', () => {
  test.each([
    ['nothing', ''],
    ['a negative integer', '20'],
    ['one byte for what needs none', '1817'],
    ['two bytes for what needs one', '1900ff'],
    ['four bytes for what needs two', '1a0000ffff'],
    ['eight bytes for what needs four', '1b00000000ffffffff'],
    ['above the integers that a number holds', '1b0020000000000000'],
    ['above all integers', '1bffffffffffffffff'],
    ['reserved lengths', '1c'],
    ['indefinite length', '1f'],
    ['a head cut short', '1a0001'],
  ])('integer: %s', (_, input) => {
    expect(codeOf(() => new Reader(hex(input)).uint())).toBe('malformed')
  })

  test.each([
    ['text', '6461626364'],
    ['too short', '43010203'],
    ['too long', '46010203040506'],
    ['cut short', '44010203'],
    ['a length that nothing backs', '5b001fffffffffffff'],
    ['indefinite length', '5f44010203ffff'],
  ])('string of four or five bytes: %s', (_, input) => {
    expect(codeOf(() => new Reader(hex(input)).bytes(4, 5))).toBe('malformed')
  })

  test('another literal, and bytes behind the end', () => {
    expect(codeOf(() => new Reader(hex('a1')).literal(hex('a0')))).toBe('malformed')
    expect(codeOf(() => new Reader(hex('')).literal(hex('a0')))).toBe('malformed')
    expect(codeOf(() => new Reader(hex('00')).end())).toBe('malformed')
  })
})

test('another codec reads what is written here, and is read here', () => {
  const item = fc.tuple(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }), fc.stringMatching(/^[!-~]{0,300}$/))
  fc.assert(
    fc.property(item, ([number, bytes, text]) => {
      const out = new Writer(1000)
      out.literal(hex('83'))
      out.uint(number)
      out.bytes(bytes)
      out.text(text)
      expect(decode(out.done())).toEqual([number, Buffer.from(bytes), text])

      const input = new Reader(Buffer.concat([encode(number), encode(Buffer.from(bytes)), encode(text)]))
      expect([input.uint(), input.bytes(0, 300), input.text(300)]).toEqual([number, Buffer.from(bytes), text])
      input.end()
    }),
  )
})

test('a string is a view of the input, not a copy', () => {
  const input = Buffer.concat([hex('44'), fill(4, 1)])
  const bytes = new Reader(input).bytes(4, 4)
  expect(bytes.buffer).toBe(input.buffer)
})
