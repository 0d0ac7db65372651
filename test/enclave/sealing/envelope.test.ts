import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { open, seal, sealedWith, type Expected } from '../../../enclave/sealing/envelope.ts'
import type { SealingCode } from '../../../enclave/sealing/error.ts'
import { SEALED_PURPOSES, createRing, keyIdOf } from '../../../enclave/sealing/ring.ts'
import { Secret } from '../../../enclave/sealing/types.ts'
import { CHUNK, ascii, assemble, codeOf, dissect, fill, header, hex, ringOf, sealed, wrappedKey } from './fixture.ts'

const ring = ringOf(1)
const text = ascii('{"name":"an alert"}')
const object = sealed(ring, {}, text)

describe('the key that an object names', () => {
  test('is the one that sealed it', () => {
    expect(sealedWith(object)).toBe(keyIdOf(wrappedKey('1')))
  })

  test('is read without a key, so noise is refused and nothing else thrown', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(object.length).map((end) => object.subarray(0, end)),
    )
    fc.assert(
      fc.property(noise, (bytes) => {
        expect(['malformed', 'no error']).toContain(codeOf(() => sealedWith(bytes)))
      }),
    )
  })
})

describe('round trip', () => {
  test.each([0, 1, 16, 1024, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])('%i bytes', (length) => {
    const plaintext = Buffer.alloc(length, 'abcdefg')
    const opened = open(ring, header, sealed(ring, {}, plaintext))
    expect(plaintext.equals(opened.plaintext)).toBe(true)
  })

  test('any header and any small text', () => {
    const name = fc.stringMatching(/^[!-~]{1,128}$/)
    const anyHeader = fc.record({
      environment: name,
      purpose: fc.constantFrom(...SEALED_PURPOSES),
      stream: name,
      sequence: fc.maxSafeNat(),
      predecessor: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      time: fc.maxSafeNat(),
    })
    const anyNonce = fc.uint8Array({ minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(anyHeader, anyNonce, fc.uint8Array(), (given, iv, plaintext) => {
        const opened = open(ring, given, seal(ring, given, iv, plaintext))
        expect(opened.keyId).toBe(keyIdOf(wrappedKey('1')))
        expect({ ...opened.header, predecessor: new Uint8Array(opened.header.predecessor) }).toEqual(given)
        expect(new Uint8Array(opened.plaintext)).toEqual(plaintext)
      }),
    )
  })

  test('the longest names fit', () => {
    const longest = { environment: 'e'.repeat(128), stream: 's'.repeat(128), sequence: 2 ** 53 - 1, time: 2 ** 53 - 1 }
    expect(open(ring, { ...header, ...longest }, sealed(ring, longest, text)).header).toMatchObject(longest)
  })

  test('an object lies in memory of its own', () => {
    expect(object.buffer.byteLength).toBe(object.length)
  })
})

describe('a header that could not be opened is not sealed', () => {
  test.each<[string, object]>([
    ['an empty name', { environment: '' }],
    ['a long name', { stream: 's'.repeat(129) }],
    ['a space', { stream: 'a b' }],
    ['a line feed', { stream: 'a\n' }],
    ['a letter that looks like another', { stream: 'аlerts' }],
    ['a negative sequence', { sequence: -1 }],
    ['half a sequence', { sequence: 1.5 }],
    ['an unsafe time', { time: 2 ** 53 }],
    ['no time', { time: Number.NaN }],
    ['a short predecessor', { predecessor: fill(31, 0) }],
  ])('%s', (_, change) => {
    expect(codeOf(() => sealed(ring, change, text))).toBe('bad-input')
  })

  test('nor with a nonce of another length, without a key, or of more than the limit', () => {
    expect(codeOf(() => seal(ring, header, fill(11, 0), text))).toBe('bad-input')
    expect(codeOf(() => seal(ring, header, fill(16, 0), text))).toBe('bad-input')
    expect(codeOf(() => sealed(createRing(), {}, text))).toBe('no-key')
    expect(codeOf(() => sealed(ring, {}, new Uint8Array(256 * CHUNK + 1)))).toBe('bad-input')
  })
})

describe('what the store may swap', () => {
  const rotated = ringOf(1, 2)
  const swapped = createRing()
  swapped.sealWith(swapped.add(wrappedKey('1 swapped'), new Secret(fill(32, 1))))

  test.each<[string, Uint8Array, Partial<Expected>, SealingCode | 'no error']>([
    ['nothing', object, {}, 'no error'],
    ['nothing, and every field is expected', object, { ...header }, 'no error'],
    ['an older object under a new sequence', object, { sequence: 8 }, 'wrong-sequence'],
    ['one sealed after another predecessor', object, { predecessor: fill(32, 0xbb) }, 'wrong-predecessor'],
    ['one of another stream', sealed(ring, { stream: 'alerts/222' }, text), {}, 'wrong-stream'],
    ['one of another environment', sealed(ring, { environment: 'staging' }, text), {}, 'wrong-environment'],
    ['one of another purpose', sealed(ring, { purpose: 'state' }, text), {}, 'wrong-purpose'],
    ['one sealed with a key of its own', sealed(ringOf(3), {}, text), {}, 'unknown-key'],
    ['one whose wrapped key was swapped', sealed(swapped, {}, text), {}, 'unknown-key'],
    ['one of the key before, which is in the ring', sealed(ring, {}, text), {}, 'no error'],
    ['an empty object', new Uint8Array(), {}, 'malformed'],
  ])('%s', (_, bytes, change, code) => {
    expect(codeOf(() => open(rotated, { ...header, ...change }, bytes))).toBe(code)
  })

  test('a right key id over a wrong key is tampering', () => {
    const impostor = createRing()
    impostor.sealWith(impostor.add(wrappedKey('1'), new Secret(fill(32, 99))))
    expect(codeOf(() => open(ring, header, sealed(impostor, {}, text)))).toBe('tampered')
  })

  test.each(SEALED_PURPOSES)(
    'an object for %s opens for no other purpose, whatever its header is made to say',
    (purpose) => {
      const { chunks } = dissect(sealed(ring, { purpose }, text))
      for (const other of SEALED_PURPOSES.filter((name) => name !== purpose)) {
        const { protectedHeader } = dissect(sealed(ring, { purpose: other }, text))
        const forged = assemble(protectedHeader, chunks)
        expect(codeOf(() => open(ring, { ...header, purpose: other }, forged))).toBe('tampered')
      }
    },
  )

  test('no ring opens an object after it was wiped', () => {
    const wiped = ringOf(1)
    wiped[Symbol.dispose]()
    expect(codeOf(() => open(wiped, header, object))).toBe('unknown-key')
  })
})

test('an error says nothing of the object or of the place that was asked for', () => {
  const secretive = { environment: 'hidden-environment', stream: 'hidden-stream' }
  const objects = [
    object,
    sealed(ringOf(3), secretive, text),
    object.subarray(1),
    Buffer.from(object).fill(0, object.length - 3),
  ]
  for (const bytes of objects) {
    expect(() => open(ring, { ...header, ...secretive }, bytes)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/hidden|production|alerts|an alert/) }),
    )
  }
})

describe('bits', () => {
  test('no bit of an object can be another', () => {
    for (let bit = 0; bit < object.length * 8; bit++) {
      const flipped = Buffer.from(object)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(
        codeOf(() => open(ring, header, flipped)),
        `bit ${bit}`,
      ).not.toBe('no error')
    }
  })

  test('no object opens that is shorter or longer by any number of bytes', () => {
    for (let length = 0; length < object.length; length++) {
      expect(codeOf(() => open(ring, header, object.subarray(0, length)))).toBe('malformed')
    }
    expect(codeOf(() => open(ring, header, Buffer.concat([object, fill(1, 0)])))).toBe('malformed')
    expect(codeOf(() => open(ring, header, Buffer.concat([object, object])))).toBe('malformed')
  })

  test('arbitrary bytes fail with nothing but our own error', () => {
    const spliced = fc
      .tuple(fc.nat(object.length), fc.uint8Array({ maxLength: 64 }), fc.nat(object.length))
      .map(([end, middle, start]) => Buffer.concat([object.subarray(0, end), middle, object.subarray(start)]))
      .filter((bytes) => !bytes.equals(object))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 512 }), spliced), (bytes) => {
        expect(codeOf(() => open(ring, header, bytes))).not.toBe('no error')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('one object, one encoding', () => {
  const { protectedHeader, chunks } = dissect(object)
  const [ciphertext = fill(0, 0)] = chunks
  const plain = (changed: Uint8Array) => assemble(changed, chunks)
  const inHeader = (from: string, to: string) => {
    const before = Buffer.from(protectedHeader).toString('hex')
    expect(before.split(from)).toHaveLength(2)
    return plain(hex(before.replace(from, to)))
  }
  const framed = (front: string, behind = '') => Buffer.concat([hex(front), ciphertext, hex(behind)])
  const protectedItem = `58${protectedHeader.length.toString(16)}${Buffer.from(protectedHeader).toString('hex')}`
  const length = ciphertext.length.toString(16)

  test('the parts are put together as they were', () => {
    expect(Buffer.from(plain(protectedHeader)).equals(object)).toBe(true)
    expect(framed(`d083${protectedItem}a058${length}`).equals(object)).toBe(true)
  })

  test.each<[string, Uint8Array]>([
    ['no tag', object.subarray(1)],
    ['the tag of COSE_Encrypt', framed(`d86083${protectedItem}a058${length}`)],
    ['a long tag', framed(`d81083${protectedItem}a058${length}`)],
    ['an array of indefinite length', framed(`d09f${protectedItem}a058${length}`, 'ff')],
    ['a fourth element', framed(`d084${protectedItem}a058${length}`, '80')],
    ['an unprotected header', framed(`d083${protectedItem}a104410158${length}`)],
    ['a long head of the ciphertext', framed(`d083${protectedItem}a05900${length}`)],
    ['ciphertext in parts', framed(`d083${protectedItem}a05f58${length}`, 'ff')],
    ['no ciphertext', hex(`d083${protectedItem}a0f6`)],
    ['less than a tag', hex(`d083${protectedItem}a04f${'00'.repeat(15)}`)],
    ['more than the limit', hex(`d083${protectedItem}a05a20000000`)],
    ['a header longer than the limit', plain(Buffer.concat([protectedHeader, fill(400, 0)]))],
    ['an empty header', plain(fill(0, 0))],
    ['another algorithm', inHeader('a9013a00010000', 'a9013a00010001')],
    ['A256GCM', inHeader('a9013a00010000', 'a90103')],
    ['one label more', plain(Buffer.concat([hex('aa'), protectedHeader.subarray(1), hex('3a0001000600')]))],
    ['a label twice', inHeader('3a0001000307', '3a0001000207')],
    ['an unknown label', inHeader('3a0001000307', '3a0001000907')],
    ['a long sequence', inHeader('3a0001000307', '3a000100031807')],
    ['a negative sequence', inHeader('3a0001000307', '3a0001000326')],
    ['a time as a float', inHeader('3a000100051b000001a3185c5000', '3a00010005fb427a3185c5000000')],
    ['a purpose that is not one', inHeader('65616c657274', '656472696674')],
    ['the purpose of digests', inHeader('65616c657274', '66646967657374')],
    ['a name of no letters', inHeader('6a70726f64756374696f6e', '60')],
    ['a name in UTF-8', inHeader('6a70726f64756374696f6e', '6a70726f647563c3b66f6e')],
    ['a name as bytes', inHeader('6a70726f64756374696f6e', '4a70726f64756374696f6e')],
    ['a short predecessor', inHeader(`5820${'aa'.repeat(32)}`, `581f${'aa'.repeat(31)}`)],
    ['a short key id', inHeader('0448', '0447')],
    ['something behind the header', plain(Buffer.concat([protectedHeader, fill(1, 0)]))],
  ])('%s', (_, bytes) => {
    expect(codeOf(() => open(ring, header, bytes))).toBe('malformed')
  })
})
