import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../enclave/attestation/document.ts'
import { parseEnveloped } from '../../enclave/attestation/enveloped.ts'
import { openRecipient } from '../../enclave/attestation/recipient.ts'
import { nitroRoot } from '../../enclave/attestation/root.ts'
import { AttestationError, type Policy, verifyDocument } from '../../enclave/attestation/verify.ts'
import { cbor, codeOf, forgeChain } from '../enclave/attestation/forge.ts'
import { corpusFile } from './data.ts'

interface Expected {
  file: string
  at: string
  /** Of production documents; debug documents have none that could be named. */
  pcr0?: string
  binds: Readonly<Record<'publicKey' | 'userData' | 'nonce', unknown>>
}

const text = (content: string) => Uint8Array.from(Buffer.from(content))
const ofLength = (length: number): unknown => expect.objectContaining({ length })
const DOCUMENTS: readonly Expected[] = [
  {
    file: 'yawn.cose.bin',
    at: '2025-01-06T16:07:05Z',
    pcr0: '8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b',
    binds: { publicKey: ofLength(294), userData: null, nonce: null },
  },
  {
    file: 'anjuna_prod_pubkey.bin',
    at: '2021-03-24T16:10:41Z',
    pcr0: '672cd3c91b7ac756037d260051169c70b1de59c7a3a9a8253322c98763697891c722fec043cbf72a824ae5d5ac41fc41',
    binds: { publicKey: ofLength(294), userData: null, nonce: null },
  },
  {
    file: 'anjuna_prod.bin',
    at: '2021-03-17T22:01:55.685Z',
    pcr0: '2d151586641b790f3b1b92b8f89678c3aa86e73dd97969c892124be9d2b7fdc62b58a55cd9ee8216f6f5689cebf590ad',
    binds: { publicKey: null, userData: null, nonce: null },
  },
  {
    file: 'anjuna_attester_full.bin',
    at: '2024-01-24T18:14:25Z',
    binds: { publicKey: ofLength(294), userData: text('Hello World!\n'), nonce: text('Nonce\n') },
  },
  {
    file: 'nitroprover_1.bin',
    at: '2024-02-26T07:02:01Z',
    pcr0: '17bf8f048519797be90497001a7559a3d555395937117d76f8baaedf56ca6d97952de79479bc0c76e5d176d20f663790',
    binds: { publicKey: ofLength(32), userData: ofLength(42), nonce: null },
  },
  {
    file: 'sparsity_2024_11.bin',
    at: '2024-11-30T16:22:48Z',
    pcr0: 'ec74bfbe7f7445a6c7610e152935e028276f638042b74797b119648e13f7a3675796b721034c320f140ea001b41aeae2',
    binds: { publicKey: ofLength(65), userData: null, nonce: null },
  },
  {
    file: 'automata_attestation_1.bin',
    at: '2024-08-16T09:11:49Z',
    binds: { publicKey: ofLength(139), userData: text('Automata MPC Demo'), nonce: text('1234') },
  },
  {
    file: 'automata_attestation_2.bin',
    at: '2023-09-28T11:08:27Z',
    pcr0: 'ca78fbe0b97bbfe1895dd713639dffcbdd21da5c7e05b8d90fe57a4e122414edc0f677d673df31fee1c16a7b34c16f36',
    binds: { publicKey: null, userData: ofLength(290), nonce: ofLength(32) },
  },
  {
    file: 'evervault_ga_valid.b64',
    at: '2023-09-18T15:03:30Z',
    binds: { publicKey: null, userData: ofLength(91), nonce: ofLength(256) },
  },
  {
    file: 'marlin_oyster.bin',
    at: '2024-08-07T06:38:09Z',
    pcr0: '5fec1b73727425848d725d68f4a062c634061a035067bd0b9a6dc73e25ed5013dfe7ccbf8a7e9857eceb0841c4cb6ae6',
    binds: { publicKey: ofLength(64), userData: null, nonce: null },
  },
]
const PRODUCTION = DOCUMENTS.filter(({ pcr0 }) => pcr0 !== undefined)
const DEBUG = DOCUMENTS.filter(({ pcr0 }) => pcr0 === undefined)
const ZERO = '00'.repeat(48)

const read = (file: string): Buffer => {
  const bytes = corpusFile(`attestation/${file}`)
  return file.endsWith('.b64') ? Buffer.from(bytes.toString('ascii'), 'base64') : bytes
}
const policy = ({ at, pcr0 }: Expected): Policy => ({ root: nitroRoot, at: new Date(at), pcr0: [pcr0 ?? ZERO] })
const verify = (expected: Expected, changes: Partial<Policy> = {}, bytes: Uint8Array = read(expected.file)) =>
  codeOf(() => verifyDocument(bytes, { ...policy(expected), ...changes }))

describe.each(DOCUMENTS)('$file', (expected) => {
  test('is judged as expected', () => {
    expect(verify(expected)).toBe(expected.pcr0 === undefined ? 'debug-mode' : 'accepted')
  })

  test('says what it binds', () => {
    const document = parseDocument(read(expected.file))
    expect(document.pcrs.size).toBe(16)
    expect(document.cabundle).toHaveLength(4)
    const { publicKey, userData, nonce } = document
    expect({ publicKey, userData, nonce }).toEqual(expected.binds)
  })

  test('is accepted with a tag too', () => {
    const tagged = Buffer.concat([Uint8Array.of(0xd2), read(expected.file)])
    expect(verify(expected, {}, tagged)).toBe(verify(expected))
  })

  test('has expired by now', () => {
    expect(verify(expected, { at: new Date() })).toBe('expired')
  })
})

describe.each(PRODUCTION)('$file is refused', (expected) => {
  const original = read(expected.file)
  const parts = () => cbor.decode(original) as [Uint8Array, Map<unknown, unknown>, Uint8Array, Uint8Array]
  const fields = () => cbor.decode(parts()[2]) as Map<string, unknown>
  const flip = (at: number) => Uint8Array.from(original).with(at, (original[at] ?? 0) ^ 1)
  const cabundle = () => [...parseDocument(original).cabundle]
  const withCabundle = (certificates: readonly Uint8Array[]) => {
    const [header, unprotected, , signature] = parts()
    return cbor.encode([header, unprotected, cbor.encode(fields().set('cabundle', certificates)), signature])
  }
  const withHeaders = (header: Uint8Array, unprotected: Map<unknown, unknown>) => {
    const [, , payload, signature] = parts()
    return cbor.encode([header, unprotected, payload, signature])
  }
  const alg = (value: number) => cbor.encode(new Map([[1, value]]))
  const none = new Map<unknown, unknown>()

  test.each<[string, string, () => Uint8Array | Promise<Uint8Array>]>([
    ['a bit of the signature flipped', 'signature', () => flip(original.length - 1)],
    ['a bit of module_id flipped', 'signature', () => flip(original.indexOf(Buffer.from('-enc')) + 1)],
    ['a bit of the leaf flipped', 'certificate-signature', () => flip(lastByteOf('certificate'))],
    ['the order of cabundle reversed', 'root-mismatch', () => withCabundle(cabundle().toReversed())],
    ['two of cabundle exchanged', 'issuer', () => withCabundle(order(0, 2, 1, 3))],
    ['cabundle[1] dropped', 'issuer', () => withCabundle(order(0, 2, 3))],
    [
      'a root of its own',
      'root-mismatch',
      async () => withCabundle([(await forgeChain()).root.der, ...order(1, 2, 3)]),
    ],
    ['ES256', 'algorithm', () => withHeaders(alg(-7), none)],
    ['ES512', 'algorithm', () => withHeaders(alg(-36), none)],
    ['no algorithm', 'algorithm', () => withHeaders(new Uint8Array(0), none)],
    ['the algorithm unprotected', 'algorithm', () => withHeaders(new Uint8Array(0), new Map([[1, -35]]))],
    ['the algorithm in both headers', 'unprotected-header', () => withHeaders(alg(-35), new Map([[1, -35]]))],
    ['a trailing byte', 'cbor', () => Buffer.concat([original, Uint8Array.of(0)])],
    ['a second pcrs', 'cbor', secondPcrs],
    ['the payload written anew with indefinite length', 'signature', indefinitePayload],
  ])('with %s: %s', async (_, code, change) => {
    expect(verify(expected, {}, await change())).toBe(code)
  })

  test.each<[string, string, () => Partial<Policy>]>([
    ['a second before its leaf', 'not-yet-valid', () => ({ at: new Date(leafPeriod().from - 1000) })],
    ['a second after its leaf', 'expired', () => ({ at: new Date(leafPeriod().to + 1000) })],
    ['by a policy for another image', 'pcr0-mismatch', () => ({ pcr0: ['ab'.repeat(48)] })],
    ['by a policy for zeros', 'pcr0-mismatch', () => ({ pcr0: [ZERO] })],
    ['by a policy with a nonce', 'nonce-mismatch', () => ({ nonce: Buffer.from('another') })],
  ])('%s: %s', (_, code, change) => {
    expect(verify(expected, change())).toBe(code)
  })

  test('but not in the first and the last second of its leaf', () => {
    const { from, to } = leafPeriod()
    expect([from, to].map((at) => verify(expected, { at: new Date(at) }))).toEqual(['accepted', 'accepted'])
  })

  function leafPeriod(): { from: number; to: number } {
    const { validFromDate, validToDate } = new X509Certificate(parseDocument(original).certificate)
    return { from: validFromDate.getTime(), to: validToDate.getTime() }
  }
  const order = (...places: number[]) => {
    const certificates = cabundle()
    return places.map((place) => certificates[place] ?? new Uint8Array(0))
  }
  function lastByteOf(field: 'certificate'): number {
    const part = Buffer.from(parseDocument(original)[field])
    return original.indexOf(part) + part.length - 1
  }
  function secondPcrs(): Uint8Array {
    const [header, unprotected, payload, signature] = parts()
    const entry = Buffer.concat([cbor.encode('pcrs'), cbor.encode(fields().get('pcrs'))])
    const head = Uint8Array.of((payload[0] ?? 0) + 1)
    return cbor.encode([header, unprotected, Buffer.concat([head, payload.subarray(1), entry]), signature])
  }
  function indefinitePayload(): Uint8Array {
    const [header, unprotected, payload, signature] = parts()
    const open = Buffer.concat([Uint8Array.of(0xbf), payload.subarray(1), Uint8Array.of(0xff)])
    return cbor.encode([header, unprotected, open, signature])
  }
})

test.each(DEBUG)('$file is refused even where a policy names zeros among others', (expected) => {
  expect(verify(expected, { pcr0: ['ab'.repeat(48), ZERO] })).toBe('debug-mode')
})

test.each(['qemu-attestation.bin', 'qemu-nitro-enclave-attestation.bin'])('%s, unsigned, is refused', (file) => {
  const bytes = corpusFile(`attestation-emulated/${file}`)
  const at = new Date('2026-11-21T03:00:00Z')
  expect(() => verifyDocument(bytes, { root: nitroRoot, at, pcr0: [ZERO] })).toThrow(AttestationError)
  expect(codeOf(() => parseDocument(bytes))).toBe('algorithm')
})

test('the root is the one that AWS publishes', () => {
  expect(nitroRoot).toEqual(Uint8Array.from(corpusFile('root/aws_nitro_root_g1.der')))
})

describe('CiphertextForRecipient', () => {
  const hex = (file: string) => corpusFile(`cms/${file}`).toString('ascii').trim()
  test.each([
    ['edgebit', 'edgebit_ciphertext_for_recipient.ber', 'edgebit_rsa2048_key.pem', 'edgebit_plaintext.hex'],
    [
      'awssamples',
      'awssamples_ethsigner_ciphertext_for_recipient.ber',
      'awssamples_ethsigner_rsa2048_key.pem',
      'awssamples_ethsigner_plaintext.hex',
    ],
  ])('of %s is opened', (_, ber, pem, plaintext) => {
    const key = createPrivateKey(corpusFile(`cms/${pem}`))
    expect(openRecipient(corpusFile(`cms/${ber}`), key).toHex()).toBe(hex(plaintext))
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
    const keyId = createHash('sha256').update(spki).digest('hex')
    expect(parseEnveloped(corpusFile(`cms/${ber}`)).keyId.toHex()).toBe(keyId)
  })

  test.each([
    ['kms_ciphertext_for_recipient_1.ber', 16],
    ['kms_ciphertext_for_recipient_2.ber', 48],
    ['awssdkc_input_ber.ber', 48],
    ['edgebit_ciphertext_for_recipient.ber', 48],
    ['awssamples_ethsigner_ciphertext_for_recipient.ber', 160],
  ])('%s holds %i bytes', (ber, length) => {
    const { keyId, encryptedKey, iv, ciphertext } = parseEnveloped(corpusFile(`cms/${ber}`))
    expect([keyId, encryptedKey, iv, ciphertext].map((part) => part.length)).toEqual([32, 256, 16, length])
  })

  test('of the SDK for C has the parts that its own tests expect', () => {
    const { encryptedKey, iv, ciphertext } = parseEnveloped(corpusFile('cms/awssdkc_input_ber.ber'))
    expect([iv, encryptedKey, ciphertext].map((part) => part.toHex())).toEqual(
      ['awssdkc_iv_out.hex', 'awssdkc_encrypted_key_out.hex', 'awssdkc_ciphertext_out.hex'].map(hex),
    )
  })

  test("is not opened with another's key", () => {
    const key = createPrivateKey(corpusFile('cms/edgebit_rsa2048_key.pem'))
    const ber = corpusFile('cms/awssamples_ethsigner_ciphertext_for_recipient.ber')
    expect(codeOf(() => openRecipient(ber, key))).toBe('key-id')
  })
})
