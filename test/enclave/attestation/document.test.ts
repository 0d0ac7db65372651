import { decode } from 'cbor-x'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AttestationDocument, parseDocument, toBeSigned } from '../../../enclave/attestation/document.ts'
import { AttestationError } from '../../../enclave/attestation/error.ts'
import {
  cbor,
  type Chain,
  codeOf,
  encodePayload,
  fieldsOf,
  forge,
  forgeChain,
  PCR0,
  registers,
  strayFrom,
} from './forge.ts'

let chain: Chain
beforeAll(async () => {
  chain = await forgeChain()
})

const HEADER = Uint8Array.of(0xa1, 0x01, 0x38, 0x22)
const zeros = (length: number) => new Uint8Array(length)
const payloadOf = (changes?: Readonly<Record<string, unknown>>) => encodePayload(fieldsOf(chain, changes))
const sign1 = (header: unknown, unprotected: unknown, payload: unknown, signature: unknown = zeros(96)): Uint8Array =>
  cbor.encode([header, unprotected, payload, signature])
const raw = (...parts: Uint8Array[]) => Buffer.concat([Uint8Array.of(0x84), ...parts])
const envelope = (payload: Uint8Array = payloadOf()) => sign1(HEADER, new Map(), payload)
const without = (name: string) => encodePayload(fieldsOf(chain).filter(([field]) => field !== name))
const definite = (payload: Uint8Array) => Buffer.concat([Uint8Array.of(0xa9), payload.subarray(1, -1)])
const withEntry = (...hex: string[]) =>
  Buffer.concat([payloadOf().subarray(0, -1), ...hex.map((part) => Buffer.from(part, 'hex')), Uint8Array.of(0xff)])

describe('is read', () => {
  test.each<[string, () => Uint8Array]>([
    ['untagged', () => envelope()],
    ['tagged 18', () => Buffer.concat([Uint8Array.of(0xd2), envelope()])],
    ['with a payload of definite length', () => envelope(definite(payloadOf()))],
    ['with registers of indefinite length', () => envelope(indefinitePcrs())],
    ['with a field that AWS may add', () => envelope(withEntry('646e657766', '83010203'))],
  ])('%s', (_, make) => {
    const document = parseDocument(make())
    expect(document).toMatchObject({ moduleId: 'i-1-enc1', publicKey: null, userData: null, nonce: null })
    expect(document.pcrs.get(0)?.toHex()).toBe(PCR0)
    expect(document.cabundle).toHaveLength(4)
  })

  test.each<[string, string, keyof AttestationDocument, unknown]>([
    ['the largest public_key', 'public_key', 'publicKey', zeros(1024)],
    ['an empty user_data', 'user_data', 'userData', zeros(0)],
    ['the largest user_data', 'user_data', 'userData', zeros(512)],
    ['the largest nonce', 'nonce', 'nonce', zeros(512)],
    ['all registers', 'pcrs', 'pcrs', registers({ 0: PCR0 }, 32)],
    ['one certificate authority', 'cabundle', 'cabundle', [zeros(1)]],
    ['the largest certificate', 'certificate', 'certificate', zeros(1024)],
  ])('%s', (_, field, property, value) => {
    expect(parseDocument(envelope(payloadOf({ [field]: value })))[property]).toEqual(value)
  })

  test.each(['public_key', 'user_data', 'nonce'])('without %s', (name) => {
    expect(parseDocument(envelope(without(name)))).toMatchObject({ publicKey: null, userData: null, nonce: null })
  })

  function indefinitePcrs(): Uint8Array {
    const pcrs = registers({ 0: PCR0 })
    const [written, open] = [cbor.encode(pcrs), encodeIndefinite(pcrs)]
    const payload = Buffer.from(payloadOf({ pcrs }))
    const at = payload.indexOf(written)
    return Buffer.concat([payload.subarray(0, at), open, payload.subarray(at + written.length)])
  }
  const encodeIndefinite = (map: Map<number, Uint8Array>) =>
    Buffer.concat([Uint8Array.of(0xbf), ...[...map].flat().map((item) => cbor.encode(item)), Uint8Array.of(0xff)])
})

describe('is refused', () => {
  test.each<[string, string, () => Uint8Array]>([
    ['nothing', 'cbor', () => zeros(0)],
    ['more than any document', 'size', () => zeros(16_494)],
    ['a trailing byte', 'cbor', () => Buffer.concat([envelope(), zeros(1)])],
    ['a missing byte', 'cbor', () => envelope().subarray(0, -1)],
    ['another tag', 'cose', () => Buffer.concat([Uint8Array.of(0xd1), envelope()])],
    ['the tag twice', 'cose', () => Buffer.concat([Uint8Array.of(0xd2, 0xd2), envelope()])],
    [
      'an array of indefinite length',
      'cbor',
      () => Buffer.concat([Uint8Array.of(0x9f), envelope().subarray(1), Uint8Array.of(0xff)]),
    ],
    ['an array of three', 'cose', () => cbor.encode([HEADER, new Map(), payloadOf()])],
    ['an array of five', 'cose', () => cbor.encode([HEADER, new Map(), payloadOf(), zeros(96), null])],
    ['a map', 'cose', () => cbor.encode(new Map([[1, 2]]))],
    ['a protected header that is a map', 'cose', () => sign1(new Map([[1, -35]]), new Map(), payloadOf())],
    ['ES256', 'algorithm', () => sign1(cbor.encode(new Map([[1, -7]])), new Map(), payloadOf())],
    ['ES512', 'algorithm', () => sign1(cbor.encode(new Map([[1, -36]])), new Map(), payloadOf())],
    [
      'an algorithm given as text',
      'algorithm',
      () => sign1(cbor.encode(new Map([[1, 'ES384']])), new Map(), payloadOf()),
    ],
    ['no algorithm', 'algorithm', () => sign1(cbor.encode(new Map()), new Map(), payloadOf())],
    ['no protected header', 'algorithm', () => sign1(zeros(0), new Map(), payloadOf())],
    [
      'an algorithm in the unprotected header alone',
      'algorithm',
      () => sign1(zeros(0), new Map([[1, -35]]), payloadOf()),
    ],
    ['an algorithm in both headers', 'unprotected-header', () => sign1(HEADER, new Map([[1, -35]]), payloadOf())],
    [
      'a key id in the unprotected header',
      'unprotected-header',
      () => sign1(HEADER, new Map([[4, zeros(1)]]), payloadOf()),
    ],
    [
      'an unprotected header of indefinite length',
      'cbor',
      () => raw(cbor.encode(HEADER), Uint8Array.of(0xbf, 0xff), cbor.encode(payloadOf()), cbor.encode(zeros(96))),
    ],
    [
      'another protected header',
      'protected-header',
      () =>
        sign1(
          cbor.encode(
            new Map([
              [1, -35],
              [4, 0],
            ]),
          ),
          new Map(),
          payloadOf(),
        ),
    ],
    ['a protected header that is no map', 'protected-header', () => sign1(cbor.encode([1]), new Map(), payloadOf())],
    [
      'a protected header with the algorithm twice',
      'cbor',
      () => sign1(Buffer.from('a2013822013822', 'hex'), new Map(), payloadOf()),
    ],
    [
      'a protected header of indefinite length',
      'cbor',
      () => sign1(Buffer.from('bf013822ff', 'hex'), new Map(), payloadOf()),
    ],
    ['an unprotected header that is null', 'cose', () => sign1(HEADER, null, payloadOf())],
    ['a signature of 95 bytes', 'signature-length', () => sign1(HEADER, new Map(), payloadOf(), zeros(95))],
    ['a signature of 97 bytes', 'signature-length', () => sign1(HEADER, new Map(), payloadOf(), zeros(97))],
    ['a signature in DER', 'signature-length', () => sign1(HEADER, new Map(), payloadOf(), zeros(104))],
    ['no signature', 'signature-length', () => sign1(HEADER, new Map(), payloadOf(), null)],
    ['a detached payload', 'payload', () => sign1(HEADER, new Map(), null)],
    ['an empty payload', 'payload', () => sign1(HEADER, new Map(), zeros(0))],
    ['a payload over 16 KiB', 'payload', () => sign1(HEADER, new Map(), zeros(16_385))],
    ['a payload that is an array', 'payload', () => envelope(cbor.encode([1]))],
    ['a byte after the payload map', 'cbor', () => envelope(Buffer.concat([payloadOf(), zeros(1)]))],
    ['a payload map without its break', 'cbor', () => envelope(payloadOf().subarray(0, -1))],
    [
      'a definite payload map with a break',
      'cbor',
      () => envelope(Buffer.concat([definite(payloadOf()), Uint8Array.of(0xff)])),
    ],
    [
      'a second pcrs',
      'cbor',
      () => envelope(withEntry(cbor.encode('pcrs').toHex(), cbor.encode(registers({ 0: PCR0 })).toHex())),
    ],
    ['a second nonce', 'cbor', () => envelope(withEntry('656e6f6e6365', 'f6'))],
    ['the same register twice', 'cbor', () => envelope(payloadWithPcrs(`a2005830${PCR0}005830${PCR0}`))],
    [
      'the same register twice, once in a longer form',
      'cbor',
      () => envelope(payloadWithPcrs(`a2005830${PCR0}18005830${PCR0}`)),
    ],
    ['a field of floats', 'cbor', () => envelope(withEntry('6166', 'f93c00'))],
  ])('%s: %s', (_, code, make) => {
    expect(codeOf(() => parseDocument(make()))).toBe(code)
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['module-id', { module_id: '' }],
    ['module-id', { module_id: null }],
    ['module-id', { module_id: zeros(4) }],
    ['digest', { digest: 'SHA256' }],
    ['digest', { digest: null }],
    ['timestamp', { timestamp: 0 }],
    ['timestamp', { timestamp: -1 }],
    ['timestamp', { timestamp: '1' }],
    ['timestamp', { timestamp: 2n ** 60n }],
    ['pcrs', { pcrs: new Map() }],
    ['pcrs', { pcrs: [] }],
    ['pcrs', { pcrs: null }],
    ['pcrs', { pcrs: registers({}, 33) }],
    ['pcrs', { pcrs: new Map([[32, zeros(48)]]) }],
    ['pcrs', { pcrs: new Map([[-1, zeros(48)]]) }],
    ['pcrs', { pcrs: new Map([['0', zeros(48)]]) }],
    ['pcrs', { pcrs: new Map([[0, zeros(47)]]) }],
    ['pcrs', { pcrs: new Map([[0, zeros(32)]]) }],
    ['pcrs', { pcrs: new Map([[0, PCR0]]) }],
    ['certificate', { certificate: zeros(0) }],
    ['certificate', { certificate: zeros(1025) }],
    ['certificate', { certificate: null }],
    ['cabundle', { cabundle: [] }],
    ['cabundle', { cabundle: null }],
    ['cabundle', { cabundle: zeros(3) }],
    ['cabundle', { cabundle: [zeros(0)] }],
    ['cabundle', { cabundle: [zeros(1025)] }],
    ['cabundle', { cabundle: ['a'] }],
    ['public-key', { public_key: zeros(0) }],
    ['public-key', { public_key: zeros(1025) }],
    ['public-key', { public_key: 'a' }],
    ['user-data', { user_data: zeros(513) }],
    ['user-data', { user_data: true }],
    ['nonce', { nonce: zeros(513) }],
    ['nonce', { nonce: [] }],
  ])('%s: %o', (code, change) => {
    expect(codeOf(() => parseDocument(envelope(payloadOf(change))))).toBe(code)
  })

  test.each([
    ['module_id', 'module-id'],
    ['digest', 'digest'],
    ['timestamp', 'timestamp'],
    ['pcrs', 'pcrs'],
    ['certificate', 'certificate'],
    ['cabundle', 'cabundle'],
  ])('no %s', (name, code) => {
    expect(codeOf(() => parseDocument(envelope(without(name))))).toBe(code)
  })

  const payloadWithPcrs = (hex: string) => {
    const fields = fieldsOf(chain).filter(([name]) => name !== 'pcrs')
    return Buffer.concat([encodePayload(fields).subarray(0, -1), cbor.encode('pcrs'), Buffer.from(hex + 'ff', 'hex')])
  }
})

test('cbor-x would take the second of two pcrs', () => {
  const debug = cbor.encode(registers({}))
  const payload = withEntry(cbor.encode('pcrs').toHex(), debug.toHex())
  expect(decode(payload)).toMatchObject({ pcrs: { 0: Buffer.alloc(48) } })
  expect(codeOf(() => parseDocument(envelope(payload)))).toBe('cbor')
})

test('what is signed is Sig_structure over the received payload', () => {
  expect(toBeSigned(Uint8Array.of(1, 2, 3)).toHex()).toBe('846a5369676e61747572653144a10138224043010203')
  const odd = definite(payloadOf())
  expect(parseDocument(envelope(odd)).signed).toEqual(toBeSigned(odd))
})

test('the caller cannot change a document after it was read', () => {
  const bytes = forge(chain)
  const [document, untouched] = [parseDocument(bytes), parseDocument(Uint8Array.from(bytes))]
  bytes.fill(0)
  expect(document).toEqual(untouched)
})

test('throws nothing but its own error', () => {
  const valid = [...envelope()]
  const mutated = fc
    .tuple(fc.nat(valid.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }))
    .map(([at, removed, added]) => Uint8Array.from(valid.toSpliced(at, removed, ...added)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
      expect(strayFrom(() => parseDocument(bytes), AttestationError)).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})
