import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { encryptForRecipient } from '../../local/aws/recipient.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { driftseal } from './driftseal.ts'
import { folderOf } from './folder.ts'

const NOW = Date.UTC(2026, 0, 15, 12)
const [PCR0, PCR1, OTHER, ZERO] = ['c0', 'c1', 'ab', '00'].map((byte) => byte.repeat(48)) as [
  string,
  string,
  string,
  string,
]
const AT = ['--at', '2026-01-15T12:00:00Z'] as const
const hexOf = (text: string) => Buffer.from(text).toString('hex')

const files: Record<string, string | Uint8Array> = {
  'text.txt': 'not a document',
  'empty.bin': '',
  'padded.bin': new Uint8Array(500_000),
  'large.bin': new Uint8Array(1024 * 1024 + 1),
}
beforeAll(async () => {
  const production = await moduleWith(PCR0, 'i-0123456789abcdef0-enc0123456789abcdef')
  files['root.der'] = production.root
  files['root.pem'] = new X509Certificate(production.root).toString()
  files['document.bin'] = production.document
  files['document.b64'] = `${Buffer.from(production.document).toString('base64').replaceAll(/.{76}/g, '$&\n')}\n`
  files['bare.bin'] = production.bare
  const debug = await moduleWith(ZERO, '\u001B[2J\u202Ei-1-enc1')
  files['debug.der'] = debug.root
  files['debug.bin'] = debug.document
})

async function moduleWith(pcr0: string, moduleId: string) {
  const { rootDer, request } = await createSoftwareNsm({ pcr0, pcrs: { 1: PCR1 }, moduleId, now: () => NOW })
  const nsm = openNsm(request)
  const bound = { nonce: Buffer.from('nonce'), userData: Buffer.from('Hello\n'), publicKey: Buffer.from('key') }
  return { root: rootDer, document: await nsm.attest(bound), bare: await nsm.attest({}) }
}

/** Arguments that begin with @ are files. */
function attest(...args: readonly string[]) {
  const folder = folderOf(files)
  return driftseal('attest', ...args.map((arg) => arg.replace(/^@/, `${folder}/`)))
}
const verify = (file: string, ...options: readonly string[]) =>
  attest('verify', file, '--root', '@root.der', ...options)

describe('attest verify', () => {
  test('says what it has checked, and what it has not', () => {
    const { status, stdout, stderr } = verify('@document.bin', ...AT, '--pcr0', PCR0)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^VALID {2}.*document\.bin\n/)
    expect(stdout).toContain(`PCR0         ${PCR0}\n`)
    expect(stdout).toContain('user data    6 bytes, 48656c6c6f0a, "Hello\\n"\n')
    expect(stdout).toContain('root         the one that you gave: not one of AWS\n')
    expect(stdout).toContain('checked      chain, signature, PCR0\n')
    expect(stdout).toContain('not checked  PCR1, PCR2, nonce, user data, public key, age\n')
  })

  test.each<[string, string, readonly string[]]>([
    ['in base64', '@document.b64', []],
    ['under a root in PEM', '@document.bin', ['--root', '@root.pem']],
    ['of one of several images', '@document.bin', ['--pcr0', OTHER]],
    ['named in upper case', '@document.bin', ['--pcr0', PCR0.toUpperCase()]],
    [
      'with its other registers',
      '@bare.bin',
      ['--pcr1', PCR1, '--pcr2', ZERO, '--pcr3', ZERO, '--pcr4', ZERO, '--pcr8', ZERO],
    ],
    ['with its nonce', '@document.bin', ['--nonce', hexOf('nonce')]],
    [
      'with its user data and public key',
      '@document.bin',
      ['--user-data', hexOf('Hello\n'), '--public-key', hexOf('key')],
    ],
    ['that is young enough', '@document.bin', ['--max-age', '0']],
    ['at a time of another zone', '@document.bin', ['--at', '2026-01-15 13:00:00.500000+01:00']],
  ])('accepts a document %s', (_, file, options) => {
    const { status, stdout } = verify(file, '--json', ...AT, '--pcr0', PCR0, ...options)
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, code: null, document: { pcrs: { PCR0, PCR1 } } })
    expect(status).toBe(0)
  })

  test.each<[string, string, readonly string[]]>([
    ['root-mismatch', '@debug.bin', [...AT, '--pcr0', PCR0]],
    ['debug-mode', '@debug.bin', [...AT, '--pcr0', ZERO, '--root', '@debug.der']],
    ['pcr0-mismatch', '@document.bin', [...AT, '--pcr0', OTHER]],
    ['pcr-mismatch', '@document.bin', [...AT, '--pcr0', PCR0, '--pcr1', OTHER]],
    ['nonce-mismatch', '@document.bin', [...AT, '--pcr0', PCR0, '--nonce', '00']],
    ['nonce-mismatch', '@bare.bin', [...AT, '--pcr0', PCR0, '--nonce', '']],
    ['user-data-mismatch', '@document.bin', [...AT, '--pcr0', PCR0, '--user-data', '00']],
    ['public-key-mismatch', '@document.bin', [...AT, '--pcr0', PCR0, '--public-key', '00']],
    ['too-old', '@document.bin', ['--at', '2026-01-15T12:00:02Z', '--pcr0', PCR0, '--max-age', '1.5']],
    ['not-yet-valid', '@document.bin', ['--at', '2026-01-15T11:59:59Z', '--pcr0', PCR0]],
    ['cbor', '@text.txt', ['--pcr0', PCR0]],
    ['cbor', '@empty.bin', ['--pcr0', PCR0]],
    ['size', '@padded.bin', ['--pcr0', PCR0]],
  ])('rejects with %s: %s', (code, file, options) => {
    const { status, stdout } = verify(file, '--json', ...options)
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, code })
    expect(status).toBe(3)
  })

  test('names the check for people too, and what helps with an old document', () => {
    const { status, stdout } = verify('@document.bin', '--pcr0', PCR0)
    expect(status).toBe(3)
    expect(stdout).toMatch(/^REJECTED {2}expired {2}/)
    expect(stdout).toContain('it says that it was made at 2026-01-15T12:00:00.000Z; --at verifies')
  })

  test("trusts AWS's root and no other unless one is given", () => {
    const { status, stdout } = attest('verify', '@document.bin', ...AT, '--pcr0', PCR0)
    expect(status).toBe(3)
    expect(stdout).toContain('REJECTED  root-mismatch')
  })
})

describe('attest show', () => {
  test('says plainly that nothing is verified', () => {
    const { status, stdout } = attest('show', '@document.b64')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^NOT VERIFIED {2}/)
    expect(stdout).toContain('nonce          5 bytes, 6e6f6e6365, "nonce"')
    expect(stdout).toMatch(
      /certificate 4 {2}.*CN=i-0123456789abcdef0-enc0123456789abcdef\.local, 2026-01-15T12:00:00\.000Z to /,
    )
    expect(JSON.parse(attest('show', '@document.bin', '--json').stdout)).toMatchObject({
      verified: false,
      document: {
        timestamp: '2026-01-15T12:00:00.000Z',
        pcrs: { PCR0 },
        nonce: '6e6f6e6365',
        userData: hexOf('Hello\n'),
      },
    })
  })

  test('keeps the words of a document from the terminal', () => {
    const { stdout } = attest('show', '@debug.bin')
    expect(stdout).toContain('module         \uFFFD[2J\uFFFDi-1-enc1\n')
    expect(stdout).not.toContain('\u001B')
  })

  test('refuses what is no document: 3', () => {
    expect(attest('show', '@text.txt')).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('cbor'),
    })
  })
})

describe('attest open-recipient', () => {
  const [ours, another] = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const pem = (pair = ours) => pair?.privateKey.export({ type: 'pkcs8', format: 'pem' }) ?? ''
  const spki = ours?.publicKey.export({ type: 'spki', format: 'der' }) ?? new Uint8Array(0)
  const plaintext = Buffer.from('a data key of thirty-two bytes!!')
  const open = (ber: string | Uint8Array, key: string | Uint8Array) => {
    const folder = folderOf({ ber, key })
    return driftseal('attest', 'open-recipient', `${folder}/ber`, '--key', `${folder}/key`)
  }

  test.each<[string, string | Uint8Array]>([
    ['raw', encryptForRecipient(plaintext, spki)],
    ['in base64', encryptForRecipient(plaintext, spki, 'chunks').toBase64()],
  ])('prints the plaintext of a ciphertext %s', (_, ber) => {
    expect(open(ber, pem())).toEqual({ status: 0, stdout: `${plaintext.toString('hex')}\n`, stderr: '' })
  })

  test.each<[string, string, Uint8Array, string | Uint8Array]>([
    ['for another key', 'key-id', encryptForRecipient(plaintext, spki), pem(another)],
    ['that is cut off', 'ber', encryptForRecipient(plaintext, spki).subarray(0, -1), pem()],
    ['with an EC key', 'key', encryptForRecipient(plaintext, spki), ecKey()],
  ])('refuses a ciphertext %s: %s, on the other stream', (_, code, ber, key) => {
    const { status, stdout, stderr } = open(ber, key)
    expect([status, stdout]).toEqual([3, ''])
    expect(stderr).toContain(`refused: ${code}:`)
  })

  function ecKey(): string | Buffer {
    return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  }
})

describe('an error of the caller exits with 1 and says what to do', () => {
  test.each<[string, readonly string[], string]>([
    ['no such file', ['verify', '@none.bin', '--pcr0', PCR0], 'none.bin: no such file'],
    ['a folder', ['show', '@.'], 'cannot be read (EISDIR)'],
    ['a file of another size', ['show', '@large.bin'], 'is it the right file?'],
    ['no image', ['verify', '@document.bin'], "required option '--pcr0 <hex...>'"],
    ['an image that is no register', ['verify', '@document.bin', '--pcr0', 'c0'], 'Expected 96 hex digits'],
    ['a file behind the images', ['verify', '--pcr0', PCR0, '@document.bin'], 'The file goes in front'],
    [
      'a time without a zone',
      ['verify', '@document.bin', '--at', '2026-01-15T12:00:00', '--pcr0', PCR0],
      'with its zone',
    ],
    [
      'a time that is none',
      ['verify', '@document.bin', '--at', '2026-13-15T12:00:00Z', '--pcr0', PCR0],
      'with its zone',
    ],
    ['half a byte', ['verify', '@document.bin', '--nonce', 'abc', '--pcr0', PCR0], 'two digits each'],
    ['no number of seconds', ['verify', '@document.bin', '--max-age', '-1', '--pcr0', PCR0], 'a number of seconds'],
    ['a root that is none', ['verify', '@document.bin', '--pcr0', PCR0, '--root', '@text.txt'], 'not a certificate'],
    ['a key that is none', ['open-recipient', '@bare.bin', '--key', '@text.txt'], 'not a private key in PEM'],
    ['no key', ['open-recipient', '@bare.bin'], "required option '--key <pem>'"],
  ])('%s', (_, args, said) => {
    const { status, stdout, stderr } = attest(...args)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain(said)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
