import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SealingError } from '../../enclave/sealing/error.ts'
import { opaque } from '../../enclave/vault.ts'
import { createMemoryBlobs, flipped, hostBytes } from '../fakes/blobs.ts'
import { testVault } from '../fakes/vault.ts'

const place = { purpose: 'alert', stream: 'alerts', sequence: 7 } as const
const plaintext = Buffer.from('a finding that the host may not read')

describe('a vault', () => {
  it('opens what it sealed, and shows nothing of it', async () => {
    const vault = testVault(createMemoryBlobs())
    const object = vault.seal(place, plaintext)
    expect(Buffer.from(object).includes('finding')).toBe(false)
    expect(Buffer.from((await vault.open(place, object)).plaintext)).toEqual(plaintext)
  })

  it('seals the same twice so that nobody sees that it is', () => {
    const vault = testVault(createMemoryBlobs())
    const [one, other] = [vault.seal(place, plaintext), vault.seal(place, plaintext)]
    expect(Buffer.compare(one, other)).not.toBe(0)
    expect(one).toHaveLength(other.length)
  })

  it.each<[string, object, object]>([
    ['another place', { ...place, sequence: 8 }, {}],
    ['another stream', { ...place, stream: 'alerts-2' }, {}],
    ['another purpose', { ...place, purpose: 'state' }, {}],
    ['another predecessor', { ...place, predecessor: new Uint8Array(32).fill(1) }, {}],
    ['another environment', place, { environment: 'staging' }],
    ['a key that it has not', place, { keys: [9] }],
  ])('does not open what was sealed for %s', async (_what, sealedFor, by) => {
    const object = testVault(createMemoryBlobs(), by).seal(sealedFor as typeof place, plaintext)
    const vault = testVault(createMemoryBlobs())
    const opened = vault.open({ ...place, predecessor: new Uint8Array(32) }, object)
    await expect(opened).rejects.toBeInstanceOf(SealingError)
  })

  it('throws nothing but a SealingError about what a store gives', async () => {
    const vault = testVault(createMemoryBlobs())
    const object = vault.seal(place, plaintext)
    await expect(vault.open(place, flipped(object))).rejects.toBeInstanceOf(SealingError)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await expect(vault.open(place, hostBytes(bytes))).rejects.toBeInstanceOf(SealingError)
      }),
    )
  })
})

it('a name that the host reads is the same each time, says nothing, and is one that the store takes', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 2 })
  fc.assert(
    fc.property(names, ([one = '', other = '']) => {
      expect(opaque(one)).toBe(opaque(one))
      expect(opaque(one)).not.toBe(opaque(other))
      expect(opaque(one)).toMatch(/^[0-9a-f]{16}$/)
    }),
  )
})
