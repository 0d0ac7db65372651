import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKey, keyIdOf, type EncryptionContext } from '../../../local/aws/key.ts'
import { AwsError } from '../../../local/aws/protocol.ts'

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e'
const CONTEXT = { service: 'driftseal', environment: 'local', purpose: 'dek' }
const PLAINTEXT = Buffer.alloc(32, 7)
const key = createKey(ID)
const made = key.encrypt(PLAINTEXT, CONTEXT)
const invalid = expect.objectContaining({ code: 'InvalidCiphertextException' })

describe('a symmetric key', () => {
  test('opens what it made', () => {
    expect(keyIdOf(made)).toBe(ID)
    expect(key.decrypt(made, CONTEXT)).toEqual(PLAINTEXT)
  })

  test('the order of the context does not matter', () => {
    expect(key.decrypt(made, { purpose: 'dek', environment: 'local', service: 'driftseal' })).toEqual(PLAINTEXT)
  })

  test('never makes the same ciphertext twice', () => {
    expect(key.encrypt(PLAINTEXT, CONTEXT)).not.toEqual(made)
  })

  test.each<[string, EncryptionContext]>([
    ['no context', {}],
    ['another purpose', { ...CONTEXT, purpose: 'webhook' }],
    ['a pair less', { service: 'driftseal', environment: 'local' }],
    ['a pair more', { ...CONTEXT, more: '' }],
    ['pairs run together', { service: 'driftseal","environment', environment: 'local', purpose: 'dek' }],
  ])('refuses %s', (_what, context) => {
    expect(() => key.decrypt(made, context)).toThrow(invalid)
  })

  test('refuses what another key made, even under the same id', () => {
    expect(() => createKey(ID).decrypt(made, CONTEXT)).toThrow(invalid)
    expect(() => createKey('1b4e28ba-2fa1-41d2-883f-0016d3cca427').decrypt(made, CONTEXT)).toThrow(invalid)
  })

  test('refuses every flipped bit and every shorter or longer ciphertext', () => {
    for (let bit = 0; bit < made.length * 8; bit += 1) {
      const flipped = Uint8Array.from(made, (byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      expect(() => key.decrypt(flipped, CONTEXT)).toThrow(invalid)
    }
    for (let length = 0; length < made.length; length += 1) {
      expect(() => key.decrypt(made.subarray(0, length), CONTEXT)).toThrow(invalid)
    }
    expect(() => key.decrypt(Buffer.concat([made, Buffer.of(0)]), CONTEXT)).toThrow(invalid)
  })

  test('throws nothing but AwsError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), fc.boolean(), (bytes, headed) => {
        const ciphertext = headed ? Buffer.concat([made.subarray(0, 17), bytes]) : bytes
        expect(() => key.decrypt(ciphertext, CONTEXT)).toThrow(AwsError)
      }),
    )
  })
})
