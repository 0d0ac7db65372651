import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { open, seal } from '../../../enclave/sealing/envelope.ts'
import { CHUNK, assemble, codeOf, dissect, fill, header, ringOf, sealed } from './fixture.ts'

const ring = ringOf(1)
const object = sealed(ring, {}, fill(2 * CHUNK + 100, 5))
const { protectedHeader, chunks } = dissect(object)
const [first, second, third] = chunks as [Uint8Array, Uint8Array, Uint8Array]
const sibling = dissect(seal(ring, header, fill(12, 8), fill(2 * CHUNK + 100, 5)))
const [foreign] = sibling.chunks as [Uint8Array]

describe('chunks of a large object', () => {
  test('are full but the last', () => {
    expect(chunks.map((chunk) => chunk.length - 16)).toEqual([CHUNK, CHUNK, 100])
  })

  test('differ, though the text repeats', () => {
    expect(Buffer.compare(first, second)).not.toBe(0)
  })

  // The lengths are those of a well-formed object: only the authenticated places can tell.
  test.each<[string, readonly Uint8Array[]]>([
    ['the last is missing', [first, second]],
    ['the last two are missing', [first]],
    ['the first is missing', [second, third]],
    ['one in the middle is missing', [first, third]],
    ['two are exchanged', [second, first, third]],
    ['one is there twice', [first, first, third]],
    ['one is there once more', [first, second, second, third]],
    ['the last is put behind itself', [first, second, third, third]],
    ['the last alone', [third]],
    ['one of another object', [foreign, second, third]],
    ['an empty one is added', [first, second, fill(16, 0)]],
    ['the last is cut', [first, second, third.subarray(0, -1)]],
    ['the last is cut to its tag', [first, second, third.subarray(-16)]],
    ['the first is cut to the length of a last', [first.subarray(0, 500)]],
    ['one in the middle loses a byte', [first.subarray(1), second, third]],
  ])('%s: tampered', (_, parts) => {
    expect(codeOf(() => open(ring, header, assemble(protectedHeader, parts)))).toBe('tampered')
  })

  test('the last is cut to less than a tag: malformed', () => {
    const cut = assemble(protectedHeader, [first, second, third.subarray(0, 15)])
    expect(codeOf(() => open(ring, header, cut))).toBe('malformed')
  })

  test('all of another object under this header: tampered', () => {
    expect(codeOf(() => open(ring, header, assemble(protectedHeader, sibling.chunks)))).toBe('tampered')
  })

  test('no bit can be another', () => {
    fc.assert(
      fc.property(fc.nat(object.length * 8 - 1), (bit) => {
        const flipped = Buffer.from(object)
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(codeOf(() => open(ring, header, flipped))).not.toBe('no error')
      }),
      { numRuns: 25 },
    )
  })
})

test('a nonce at the end of its counter wraps within the object', () => {
  const plaintext = fill(2 * CHUNK, 1)
  const opened = open(ring, header, seal(ring, header, fill(12, 0xff), plaintext))
  expect(Buffer.compare(opened.plaintext, plaintext)).toBe(0)
})
