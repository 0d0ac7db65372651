import { format, inspect } from 'node:util'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { HostBytes } from '../../../enclave/ports.ts'
import type { seal } from '../../../enclave/sealing/envelope.ts'
import { Secret, type Sealed } from '../../../enclave/sealing/types.ts'

interface Alert {
  readonly alert: string
}
interface Cursor {
  readonly cursor: string
}

describe('a secret', () => {
  const word = 'open sesame'
  const secret = new Secret(Buffer.from(word))
  const spellings = [word, Buffer.from(word).toString('hex'), Buffer.from(word).join(', '), Buffer.from(word).join(',')]

  test.each<[string, () => string | undefined]>([
    ['String', () => String(secret)],
    ['a template', () => `${secret.toString()} ${[secret].join('')}`],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect({ secret }, { showHidden: true, depth: null, getters: true })],
    ['inspect without its own say', () => inspect(secret, { customInspect: false, showHidden: true })],
    ['format', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['its keys', () => Object.entries(secret).join(' ')],
    ['a copy', () => inspect(Object.assign({}, secret))],
    ['a clone', () => inspect(structuredClone(secret))],
    ['an error', () => inspect(new Error(`no: ${secret.toString()}`, { cause: secret }))],
  ])('does not show in %s', (_, show) => {
    const shown = show()
    for (const spelling of spellings) expect(shown).not.toContain(spelling)
  })

  test('is wiped at the end of its scope, and then refuses', () => {
    const bytes = Buffer.from(word)
    let kept: Secret
    {
      using scoped = new Secret(bytes)
      expect(scoped.use((read) => Buffer.from(read).toString())).toBe(word)
      kept = scoped
    }
    expect(bytes).toEqual(Buffer.alloc(word.length))
    expect(() => kept.use(() => 'read')).toThrow('secret used after it was wiped')
    expect(() => kept[Symbol.dispose]()).not.toThrow()
  })
})

describe('the compiler keeps apart', () => {
  test('what is sealed from what is not', () => {
    expectTypeOf<Uint8Array>().not.toExtend<Sealed<Alert>>()
    expectTypeOf<Buffer>().not.toExtend<Sealed<Alert>>()
    expectTypeOf<HostBytes>().not.toExtend<Sealed<Alert>>()
    expectTypeOf<HostBytes>().not.toExtend<Sealed<unknown>>()
    expectTypeOf<ReturnType<typeof seal<Alert>>>().toExtend<Sealed<Alert>>()
  })

  test('one sealed thing from another, though a store takes both', () => {
    expectTypeOf<Sealed<Cursor>>().not.toExtend<Sealed<Alert>>()
    expectTypeOf<Sealed<unknown>>().not.toExtend<Sealed<Alert>>()
    expectTypeOf<Sealed<Alert>>().toExtend<Sealed<unknown>>()
    expectTypeOf<Sealed<Alert>>().not.toExtend<HostBytes>()
  })

  test('keys from bytes', () => {
    expectTypeOf<Uint8Array>().not.toExtend<Secret>()
    expectTypeOf<Secret>().not.toExtend<Uint8Array>()
  })
})
