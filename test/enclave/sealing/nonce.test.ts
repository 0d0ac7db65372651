import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { NONCE_BYTES } from '../../../enclave/sealing/gcm-siv.ts'
import { createNonces } from '../../../enclave/sealing/nonce.ts'

/** More than are drawn at once. */
const MANY = 1000

test('each nonce is bytes of its own, all that were drawn and no others', () => {
  const drawn: Uint8Array[] = []
  const nonce = createNonces((size) => {
    const bytes = randomBytes(size)
    drawn.push(bytes)
    return bytes
  })
  const given = Buffer.concat(Array.from({ length: MANY }, nonce))
  expect(given).toHaveLength(MANY * NONCE_BYTES)
  expect(drawn.length).toBeGreaterThan(1)
  expect(given).toEqual(Buffer.concat(drawn).subarray(0, given.length))
})
