import { describe, expect, test } from 'vitest'
import { decrypt, encrypt } from '../../../enclave/sealing/gcm-siv.ts'
import { Secret } from '../../../enclave/sealing/types.ts'
import { codeOf, hex } from './fixture.ts'

const KEY = `01${'00'.repeat(31)}`
const NONCE = `03${'00'.repeat(11)}`
const ZERO_KEY = '00'.repeat(32)
const ZERO_NONCE = '00'.repeat(12)
const one = '01000000000000000000000000000000'
const two = '02000000000000000000000000000000'
const three = '03000000000000000000000000000000'

// RFC 8452, appendix C.2 (AES-256) and C.3 (counter wrap): [plaintext, AAD, result, key, nonce].
const VECTORS: readonly (readonly [string, string, string, string, string])[] = [
  ['', '', '07f5f4169bbf55a8400cd47ea6fd400f', KEY, NONCE],
  ['0100000000000000', '', 'c2ef328e5c71c83b843122130f7364b761e0b97427e3df28', KEY, NONCE],
  ['010000000000000000000000', '', '9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e', KEY, NONCE],
  [one, '', '85a01b63025ba19b7fd3ddfc033b3e76c9eac6fa700942702e90862383c6c366', KEY, NONCE],
  [
    one + two,
    '',
    '4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027fe819e63abcd020b006a976397632eb5d',
    KEY,
    NONCE,
  ],
  ['0200000000000000', '01', '1de22967237a813291213f267e3b452f02d01ae33e4ec854', KEY, NONCE],
  ['020000000000000000000000', '01', '163d6f9cc1b346cd453a2e4cc1a4a19ae800941ccdc57cc8413c277f', KEY, NONCE],
  [two, '01', 'c91545823cc24f17dbb0e9e807d5ec17b292d28ff61189e8e49f3875ef91aff7', KEY, NONCE],
  [
    two + three,
    '01',
    '07dad364bfc2b9da89116d7bef6daaaf6f255510aa654f920ac81b94e8bad365aea1bad12702e1965604374aab96dbbc',
    KEY,
    NONCE,
  ],
  ['02000000', '010000000000000000000000', '22b3f4cd1835e517741dfddccfa07fa4661b74cf', KEY, NONCE],
  [
    '0300000000000000000000000000000004000000',
    `${one}0200`,
    '43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307',
    KEY,
    NONCE,
  ],
  [
    '030000000000000000000000000000000400',
    `${one}02000000`,
    '462401724b5ce6588d5a54aae5375513a075cfcdf5042112aa29685c912fc2056543',
    KEY,
    NONCE,
  ],
  [
    '',
    '',
    '169fbb2fbf389a995f6390af22228a62',
    'e66021d5eb8e4f4066d4adb9c33560e4f46e44bb3da0015c94f7088736864200',
    'e0eaf5284d884a0e77d31646',
  ],
  [
    '000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108',
    '',
    'f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3eaffffffff000000000000000000000000',
    ZERO_KEY,
    ZERO_NONCE,
  ],
]

describe.each(VECTORS)('RFC 8452: text %j, AAD %j', (plaintext, aad, result, key, nonce) => {
  const secret = () => new Secret(hex(key))
  const encrypted = { ciphertext: hex(result).subarray(0, -16), tag: hex(result).subarray(-16) }

  test('encrypts to the published result', () => {
    const { ciphertext, tag } = encrypt(secret(), hex(nonce), hex(aad), hex(plaintext))
    expect(Buffer.concat([ciphertext, tag]).toString('hex')).toBe(result)
  })

  test('decrypts it, and nothing near it', () => {
    expect(Buffer.from(decrypt(secret(), hex(nonce), hex(aad), encrypted)).toString('hex')).toBe(plaintext)
    const tag = Buffer.from(encrypted.tag)
    tag.writeUInt8(tag.readUInt8(15) ^ 0x80, 15)
    expect(codeOf(() => decrypt(secret(), hex(nonce), hex(aad), { ...encrypted, tag }))).toBe('tampered')
    expect(codeOf(() => decrypt(secret(), hex(nonce), hex(`${aad}00`), encrypted))).toBe('tampered')
  })
})

// Whoever copied a text gives its memory back: it must be nobody else's.
test.each([0, 1, 16, 1024])('the texts of %d bytes are memory of their own', (length) => {
  const secret = new Secret(hex(KEY))
  const encrypted = encrypt(secret, hex(NONCE), hex(''), Buffer.alloc(length, 'x'))
  const decrypted = decrypt(secret, hex(NONCE), hex(''), encrypted)
  const again = encrypt(secret, hex(NONCE), hex(''), decrypted)
  const { ciphertext } = encrypted
  expect([ciphertext.buffer, decrypted.buffer].map(({ byteLength }) => byteLength)).toEqual([length, length])
  expect(new Set([ciphertext.buffer, decrypted.buffer, again.ciphertext.buffer]).size).toBe(3)
})
