import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SEALED_PURPOSES, createRing, digestOf, keyIdOf } from '../../../enclave/sealing/ring.ts'
import { Secret } from '../../../enclave/sealing/types.ts'
import { codeOf, fill, ringOf, wrappedKey } from './fixture.ts'

const PURPOSES = [...SEALED_PURPOSES, 'digest'] as const
const read = (secret: Secret | undefined) => secret?.use((bytes) => Buffer.from(bytes).toString('hex'))

test('a key is named by the start of the SHA-256 of its wrapped form', () => {
  const wrapped = wrappedKey('1')
  const id = createHash('sha256').update(wrapped).digest('hex').slice(0, 16)
  expect(keyIdOf(wrapped)).toBe(id)
  expect(createRing().add(wrapped, new Secret(fill(32, 1)))).toBe(id)
})

test.each(PURPOSES)('%s has the HKDF-SHA256 subkey of its name', (purpose) => {
  const expected = hkdfSync('sha256', fill(32, 1), '', `driftseal/v1/${purpose}`, 32)
  expect(read(ringOf(1).current(purpose).secret)).toBe(Buffer.from(expected).toString('hex'))
})

test('no two purposes, and no two keys, share a subkey', () => {
  const subkeys = [1, 2].flatMap((key) => PURPOSES.map((purpose) => read(ringOf(key).current(purpose).secret)))
  expect(new Set(subkeys).size).toBe(2 * PURPOSES.length)
})

describe('a data key', () => {
  test('is wiped when it is added', () => {
    const bytes = fill(32, 1)
    createRing().add(wrappedKey('1'), new Secret(bytes))
    expect(bytes).toEqual(fill(32, 0))
  })

  test('that is in the ring already is wiped too, and changes nothing', () => {
    const ring = ringOf(1)
    const before = read(ring.current('alert').secret)
    const bytes = fill(32, 2)
    ring.add(wrappedKey('1'), new Secret(bytes))
    expect(bytes).toEqual(fill(32, 0))
    expect(read(ring.current('alert').secret)).toBe(before)
  })

  test.each([0, 16, 31, 33, 64])('of %i bytes is refused, and wiped', (length) => {
    const bytes = fill(length, 1)
    expect(codeOf(() => createRing().add(wrappedKey('1'), new Secret(bytes)))).toBe('bad-key')
    expect(bytes).toEqual(fill(length, 0))
  })
})

describe('which key seals', () => {
  const [first, second] = [keyIdOf(wrappedKey('1')), keyIdOf(wrappedKey('2'))]

  test('none, until one is chosen', () => {
    const ring = createRing()
    expect(codeOf(() => ring.current('alert'))).toBe('no-key')
    ring.add(wrappedKey('1'), new Secret(fill(32, 1)))
    expect(codeOf(() => ring.current('alert'))).toBe('no-key')
    ring.sealWith(first)
    expect(ring.current('alert').id).toBe(first)
  })

  test('a new one from the moment it is chosen, while the old one still opens', () => {
    const ring = ringOf(1, 2)
    expect(ring.current('alert').id).toBe(second)
    expect(ring.find(first, 'alert')?.id).toBe(first)
  })

  test('never one that is not there', () => {
    expect(codeOf(() => ringOf(1).sealWith(second))).toBe('unknown-key')
    expect(ringOf(1).find(second, 'alert')).toBeUndefined()
  })

  test('a dropped key is wiped and gone; the one that seals cannot be dropped', () => {
    const ring = ringOf(1, 2)
    const secret = ring.find(first, 'alert')?.secret
    ring.drop(first)
    expect(ring.find(first, 'alert')).toBeUndefined()
    expect(() => read(secret)).toThrow('wiped')
    expect(codeOf(() => ring.drop(second))).toBe('bad-input')
    expect(ring.current('alert').id).toBe(second)
  })

  test('a ring that is disposed of has wiped every subkey', () => {
    const ring = ringOf(1, 2)
    const subkeys = [first, second].flatMap((id) => PURPOSES.map((purpose) => ring.find(id, purpose)?.secret))
    ring[Symbol.dispose]()
    for (const subkey of subkeys) expect(() => read(subkey)).toThrow('wiped')
    expect(codeOf(() => ring.current('alert'))).toBe('no-key')
    expect(ring.find(first, 'alert')).toBeUndefined()
  })
})

describe('the digest of a value', () => {
  test('is the start of the HMAC-SHA256 of its UTF-8', () => {
    const subkey = Buffer.from(hkdfSync('sha256', fill(32, 1), '', 'driftseal/v1/digest', 32))
    const mac = createHmac('sha256', subkey).update('pässword').digest('hex')
    expect(digestOf(ringOf(1), 'pässword')).toBe(`sha256:${mac.slice(0, 32)}`)
  })

  test('stays what it is under a key that was chosen for it, whatever seals and though the key is dropped', () => {
    const ring = ringOf(1, 2)
    ring.digestWith(keyIdOf(wrappedKey('1')))
    ring.drop(keyIdOf(wrappedKey('1')))
    expect(digestOf(ring, 'a')).toBe(digestOf(ringOf(1), 'a'))
    expect(ring.ids()).toEqual([keyIdOf(wrappedKey('2'))])
    const { secret } = ring.current('digest')
    ring[Symbol.dispose]()
    expect(() => read(secret)).toThrow('wiped')
  })

  test('cannot be made with a key that is not there', () => {
    expect(codeOf(() => ringOf(1).digestWith(keyIdOf(wrappedKey('2'))))).toBe('unknown-key')
  })

  test('tells equal from unequal under one key, and nothing across keys', () => {
    const ring = ringOf(1)
    expect(digestOf(ring, 'a')).toBe(digestOf(ring, 'a'))
    expect(digestOf(ring, 'a')).not.toBe(digestOf(ring, 'b'))
    expect(digestOf(ring, 'a')).not.toBe(digestOf(ringOf(2), 'a'))
  })
})
