import { constants, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEnveloped } from '../../../enclave/attestation/enveloped.ts'
import { openRecipient, RecipientError } from '../../../enclave/attestation/recipient.ts'
import { encryptForRecipient, type RecipientForm } from '../../../local/aws/recipient.ts'
import { codeOf, strayFrom } from './forge.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const spki = publicKey.export({ type: 'spki', format: 'der' })
const DEK = randomBytes(32)
const sealed = (plaintext: Uint8Array = DEK, form?: RecipientForm) => encryptForRecipient(plaintext, spki, form)
const bytesOf = (hex: string) => Uint8Array.fromHex(hex)

describe('opens', () => {
  test.each<[RecipientForm, number]>([
    ['one-chunk', 0],
    ['one-chunk', 32],
    ['one-chunk', 4096],
    ['chunks', 32],
    ['chunks', 999],
    ['chunks', 4096],
    ['primitive', 32],
    ['primitive', 4096],
  ])('%s of %i bytes', (form, length) => {
    const plaintext = randomBytes(length)
    expect(Buffer.compare(openRecipient(sealed(plaintext, form), privateKey), plaintext)).toBe(0)
  })

  test('for a key of 4096 bits', () => {
    const large = generateKeyPairSync('rsa', { modulusLength: 4096 })
    const ber = encryptForRecipient(DEK, large.publicKey.export({ type: 'spki', format: 'der' }))
    expect(Buffer.compare(openRecipient(ber, large.privateKey), DEK)).toBe(0)
  })

  test('where every length is definite', () => {
    expect(Buffer.compare(openRecipient(bytesOf(allDefinite(sealed().toHex())), privateKey), DEK)).toBe(0)
  })
})

describe('refuses', () => {
  const ENVELOPED = '06092a864886f70d010703'
  const KTRI_VERSION = '0201028020'
  const SHA_256 = '300d06096086480165030402010500'
  const keyId = (hex: string) => hex.indexOf(KTRI_VERSION) + KTRI_VERSION.length
  const at = (hex: string, index: number, replacement: string) =>
    hex.slice(0, index) + replacement + hex.slice(index + replacement.length)

  test.each<[string, string, (hex: string) => string]>([
    ['nothing', 'ber', () => ''],
    ['a trailing byte', 'ber', (hex) => `${hex}00`],
    ['trailing end-of-contents', 'ber', (hex) => `${hex}0000`],
    ['a missing byte', 'ber', (hex) => hex.slice(0, -2)],
    ['missing end-of-contents', 'ber', (hex) => hex.slice(0, -4)],
    ['more than KMS ever writes', 'size', () => '30'.repeat(16_385)],
    ['twenty elements in each other', 'ber', () => '3080'.repeat(20) + '0000'.repeat(20)],
    ['a primitive of indefinite length', 'ber', (hex) => hex.replace('3080020102', '3080028002')],
    ['a length not in its shortest form', 'ber', (hex) => hex.replace(ENVELOPED, `0681${ENVELOPED.slice(2)}`)],
    ['a tag in several bytes', 'ber', (hex) => hex.replace(ENVELOPED, `1f06${ENVELOPED.slice(2)}`)],
    ['SignedData', 'content-type', (hex) => hex.replace(ENVELOPED, '06092a864886f70d010702')],
    ['an outer set', 'content-type', (hex) => at(hex, 0, '31')],
    ['content that is not explicit', 'content-type', (hex) => hex.replace(`${ENVELOPED}a080`, `${ENVELOPED}a180`)],
    ['version 0 of EnvelopedData', 'version', (hex) => hex.replace('3080020102', '3080020100')],
    ['version 0 of the recipient', 'version', (hex) => hex.replace(KTRI_VERSION, '0201008020')],
    ['a long integer 2', 'version', (hex) => hex.replace('3080020102', '308002020002')],
    ['no recipient', 'recipients', (hex) => hex.replace(/3182016b.{726}/, '3100')],
    ['two recipients', 'recipients', twoRecipients],
    ['a sequence of recipients', 'recipients', (hex) => hex.replace('3182016b', '3082016b')],
    ['a recipient by key agreement', 'recipients', (hex) => hex.replace('3182016b30', '3182016ba1')],
    ['an explicit key id', 'key-id', (hex) => hex.replace(KTRI_VERSION, '0201028220')],
    ['the id of another key', 'key-id', (hex) => at(hex, keyId(hex), '00'.repeat(32))],
    ['RSA PKCS #1 v1.5', 'key-algorithm', (hex) => hex.replace('06092a864886f70d010107', '06092a864886f70d010101')],
    ['OAEP with SHA-512', 'key-algorithm', (hex) => hex.replace(SHA_256, '300d06096086480165030402030500')],
    ['MGF1 with SHA-512', 'key-algorithm', (hex) => hex.replace(`8${SHA_256}`, '8300d06096086480165030402030500')],
    ['an encrypted key of another type', 'encrypted-key', (hex) => hex.replace('04820100', '03820100')],
    ['content of another type', 'content', (hex) => hex.replace('06092a864886f70d010701', '06092a864886f70d010702')],
    ['AES-128-CBC', 'content-algorithm', (hex) => hex.replace('060960864801650304012a', '0609608648016503040102')],
    ['AES-256-GCM', 'content-algorithm', (hex) => hex.replace('060960864801650304012a', '060960864801650304012e')],
    ['an IV that is no octet string', 'content-algorithm', (hex) => hex.replace('04012a0410', '04012a0310')],
    ['an IV of 15 bytes', 'content-algorithm', shortIv],
    ['content in octet strings of another type', 'content', (hex) => hex.replace('a0800430', 'a0800330')],
    ['content that is explicit and constructed', 'content', (hex) => hex.replace('a0800430', 'a1800430')],
    ['no content', 'content', (hex) => hex.replace(/a0800430.{96}/, 'a080')],
    ['content of half a block', 'content', (hex) => hex.replace(/a0800430.{96}/, `a0800408${'00'.repeat(8)}`)],
    ['attributes after the content', 'content-type', (hex) => hex.replace(/0{20}$/, '00000000a100000000000000')],
  ])('%s: %s', (_, code, change) => {
    const original = sealed().toHex()
    const changed = change(original)
    expect(changed).not.toBe(original)
    expect(codeOf(() => openRecipient(bytesOf(changed), privateKey))).toBe(code)
  })

  test('an encrypted key that is not as long as ours', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' })
    const ours = parseEnveloped(sealed())
    const hex = encryptForRecipient(DEK, short).toHex()
    const changed = hex.replace(parseEnveloped(bytesOf(hex)).keyId.toHex(), ours.keyId.toHex())
    expect(codeOf(() => openRecipient(bytesOf(changed), privateKey))).toBe('encrypted-key')
  })

  test.each([
    ['a public key', publicKey],
    ['an EC key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
  ])('%s', (_, key) => {
    expect(codeOf(() => openRecipient(sealed(), key))).toBe('key')
  })

  function twoRecipients(hex: string): string {
    const from = hex.indexOf('30820167')
    const recipient = hex.slice(from, from + (4 + 0x167) * 2)
    return hex.replace(`3182016b${recipient}`, `318202d6${recipient}${recipient}`)
  }

  function shortIv(hex: string): string {
    return hex.replace(/301d(060960864801650304012a)0410(.{30})../, '301c$1040f$2')
  }
})

test('every failure to decrypt looks the same', () => {
  const { encryptedKey, iv, ciphertext } = parseEnveloped(sealed())
  const replaced = (part: Uint8Array, by: Uint8Array) => bytesOf(original.replace(part.toHex(), by.toHex()))
  const original = encryptedWith({ encryptedKey, iv, ciphertext })
  const wrap = (key: Uint8Array, oaepHash = 'sha256', label = '') =>
    publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash, oaepLabel: Buffer.from(label) },
      key,
    )
  const flipped = (part: Uint8Array, index: number) => part.with(index, (part[index] ?? 0) ^ 1)
  const failures = [
    replaced(encryptedKey, flipped(encryptedKey, 100)),
    replaced(encryptedKey, new Uint8Array(256)),
    replaced(encryptedKey, new Uint8Array(256).fill(0xff)),
    replaced(encryptedKey, wrap(randomBytes(16))),
    replaced(encryptedKey, wrap(new Uint8Array(0))),
    replaced(encryptedKey, wrap(randomBytes(32), 'sha1')),
    replaced(encryptedKey, wrap(randomBytes(32), 'sha256', 'label')),
    // The last block is padding alone: 0x10 becomes 0x11, longer than a block.
    replaced(ciphertext, flipped(ciphertext, 31)),
  ].map((ber) => {
    try {
      return openRecipient(ber, privateKey)
    } catch (error) {
      return error instanceof RecipientError ? `${error.code} ${error.message} ${String(error.cause)}` : error
    }
  })
  expect(new Set(failures)).toEqual(new Set(['decrypt CiphertextForRecipient: it cannot be decrypted undefined']))

  function encryptedWith(parts: { encryptedKey: Uint8Array; iv: Uint8Array; ciphertext: Uint8Array }): string {
    const fresh = sealed()
    const found = parseEnveloped(fresh)
    return fresh
      .toHex()
      .replace(found.encryptedKey.toHex(), parts.encryptedKey.toHex())
      .replace(found.iv.toHex(), parts.iv.toHex())
      .replace(found.ciphertext.toHex(), parts.ciphertext.toHex())
  }
})

test('throws nothing but its own error', () => {
  const valid = [...sealed(randomBytes(1500), 'chunks')]
  const mutated = fc
    .tuple(fc.nat(valid.length), fc.nat(8), fc.uint8Array({ maxLength: 8 }))
    .map(([at, removed, added]) => Uint8Array.from(valid.toSpliced(at, removed, ...added)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (ber) => {
      expect(strayFrom(() => openRecipient(ber, privateKey), RecipientError)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})

/** The same elements, each constructed one with its length in front instead of end-of-contents behind. */
function allDefinite(hex: string): string {
  const bytes = bytesOf(hex)
  let at = 0
  return element().toHex()

  function element(): Uint8Array {
    const tag = bytes[at++] ?? 0
    const first = bytes[at++] ?? 0
    if (first === 0x80) {
      const children = []
      while (at < bytes.length && (bytes[at] !== 0 || bytes[at + 1] !== 0)) children.push(element())
      at += 2
      return join(tag, Buffer.concat(children))
    }
    const size = first > 0x80 ? first - 0x80 : 0
    const length = size === 0 ? first : Number.parseInt(bytes.subarray(at, at + size).toHex(), 16)
    at += size + length
    return join(tag, bytes.subarray(at - length, at))
  }

  function join(tag: number, content: Uint8Array): Uint8Array {
    const length = content.length
    const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
    return Buffer.concat([Uint8Array.of(tag, ...head), content])
  }
}
