import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterSpace, endOfList, endOfObject, endOfValue, NONE } from '../../../enclave/core/json_scan.ts'
import { tellingByte, wounded } from './wounds.ts'

const DEPTH = 8

function isAccepted(bytes: Uint8Array): boolean {
  const end = endOfValue(bytes, afterSpace(bytes, 0), DEPTH)
  return end !== NONE && afterSpace(bytes, end) === bytes.length
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}

describe('what JSON.parse takes, and nothing else', () => {
  test.each([
    ...String.raw`{} [] "" {"":""} true false null 0 -0 123 0.10 12.5e-3 1e5 1E+05 "\"\\\/\b\f\n\r\t\u00aF"`.split(' '),
    ' \t\r\n[ 1 , 2 ] ',
    '{ "a" : { } , "a" : [ ] }',
    '"ü€😀\u2028\u007f"',
  ])('accepts %j', (text) => {
    expect(isJson(Buffer.from(text))).toBe(true)
    expect(isAccepted(Buffer.from(text))).toBe(true)
  })

  test.each([
    ...'{ [ " "a {"a" {"a": {"a":1 [1 [1, {}} []] [1,] [,1] {"a":1,} {,} [} {] {}0 "a""b" {"a",1} {"a"1}'.split(' '),
    ...`{a:1} {'a':1} {1:1} tru True nul nulll undefined NaN Infinity // 1_0 0x1`.split(' '),
    ...'01 - +1 --1 -a .5 1. 1.e1 1e 1e+'.split(' '),
    ...String.raw`"\x" "\u00g0" "\u12" "\" "\u" "\U0041"`.split(' '),
    '',
    ' ',
    '1 1',
    '"\n"',
    '"\t"',
    '"\u0000"',
    '\v1',
    '\u00a0{}',
    '\ufeff{}',
  ])('refuses %j', (text) => {
    expect(isJson(Buffer.from(text))).toBe(false)
    expect(isAccepted(Buffer.from(text))).toBe(false)
  })

  const json = fc
    .jsonValue({ maxDepth: DEPTH - 1 })
    .chain((value) =>
      fc.constantFrom(undefined, 1, '\t').map((indent) => Buffer.from(JSON.stringify(value, undefined, indent))),
    )

  test('whatever became of the bytes', () => {
    fc.assert(
      fc.property(wounded(json), (bytes) => {
        expect(isAccepted(bytes)).toBe(isJson(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  test('also of bytes that never were JSON', () => {
    fc.assert(
      fc.property(
        fc.array(tellingByte, { maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
        (bytes) => {
          expect(isAccepted(bytes)).toBe(isJson(bytes))
        },
      ),
      { numRuns: 1000 },
    )
  })
})

test.each([
  ['[[[]]]', 3, true],
  ['[[[]]]', 2, false],
  ['{"a":{"b":1}}', 2, true],
  ['{"a":{"b":1}}', 1, false],
  ['1', 0, true],
])('%s nests at most %d deep: %s', (text, depth, fits) => {
  expect(endOfValue(Buffer.from(text), 0, depth)).toBe(fits ? text.length : NONE)
})

test('says where keys and values lie, and takes another word for where they end', () => {
  const text = '{ "a" : 1, "b": [ {} , "x" ] }'
  const seen: string[] = []
  const end = endOfObject(Buffer.from(text), 0, DEPTH, (bytes, start, depth, key, keyEnd) => {
    const endOf = endOfList(bytes, start, depth, (inner, at, left) => {
      const elementEnd = endOfValue(inner, at, left)
      seen.push(text.slice(at, elementEnd))
      return elementEnd
    })
    const valueEnd = endOf === NONE ? endOfValue(bytes, start, depth) : endOf
    seen.push(`${text.slice(key, keyEnd)}=${text.slice(start, valueEnd)}`)
    return valueEnd
  })
  expect(end).toBe(text.length)
  expect(seen).toEqual(['a=1', '{}', '"x"', 'b=[ {} , "x" ]'])
  expect(endOfObject(Buffer.from(text), 0, DEPTH, () => NONE)).toBe(NONE)
})
