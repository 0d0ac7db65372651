import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { open, seal } from '../../../enclave/sealing/envelope.ts'
import type { Header } from '../../../enclave/sealing/header.ts'
import { SEALED_PURPOSES, createRing, digestOf } from '../../../enclave/sealing/ring.ts'
import { Secret } from '../../../enclave/sealing/types.ts'
import vectors from '../../vectors/sealing.json' with { type: 'json' }
import { hex } from './fixture.ts'

/*
 * Objects outlive the code that sealed them. If one of these differs, what stores hold would no longer open: that is
 * a new version of the format, with an algorithm number of its own, and not a vector to be made anew.
 */

const ring = createRing()
const id = ring.add(hex(vectors.key.wrapped), new Secret(hex(vectors.key.dek)))
ring.sealWith(id)

const text = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251)

function headerOf(object: (typeof vectors.objects)[number]): Header {
  const purpose = SEALED_PURPOSES.find((known) => known === object.header.purpose)
  if (purpose === undefined) throw new TypeError('a vector of an unknown purpose')
  return { ...object.header, purpose, predecessor: hex(object.header.predecessor) }
}

test('key id', () => {
  expect(id).toBe(vectors.key.id)
})

test('subkeys', () => {
  const purposes = [...SEALED_PURPOSES, 'digest'] as const
  const spell = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const subkeys = purposes.map((purpose) => [purpose, ring.current(purpose).secret.use(spell)])
  expect(Object.fromEntries(subkeys)).toEqual(vectors.subkeys)
})

test.each(vectors.digests)('digest of $value', ({ value, digest }) => {
  expect(digestOf(ring, value)).toBe(digest)
})

describe.each(vectors.objects)('$name', (vector) => {
  const plaintext = text(vector.plaintextLength)
  const object = seal(ring, headerOf(vector), hex(vector.nonce), plaintext)

  test('is sealed bit for bit', () => {
    const spelled = Buffer.from(object).toString('hex')
    expect(createHash('sha256').update(object).digest('hex')).toBe(vector.objectSha256)
    expect(vector.object ?? spelled).toBe(spelled) // large ones are not spelled out
  })

  test('opens', () => {
    const opened = open(ring, headerOf(vector), object)
    expect(opened.keyId).toBe(vectors.key.id)
    expect(opened.header).toEqual(headerOf(vector))
    expect(Buffer.compare(opened.plaintext, plaintext)).toBe(0)
  })
})
