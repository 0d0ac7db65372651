import { generateKeyPairSync, KeyObject } from 'node:crypto'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseDocument } from '../../../enclave/attestation/document.ts'
import { AttestationError, type Policy, verifyDocument } from '../../../enclave/attestation/verify.ts'
import { x509 } from '../../../enclave/x509.ts'
import { signDocument } from '../../../local/nsm/documents.ts'
import {
  AT,
  type Chain,
  codeOf,
  encodePayload,
  fieldsOf,
  forge,
  forgeChain,
  LEAF_FROM,
  LEAF_TO,
  PCR0,
  policyFor,
  registers,
  type Spec,
  strayFrom,
} from './forge.ts'

let chain: Chain
let document: Uint8Array
beforeAll(async () => {
  chain = await forgeChain()
  document = forge(chain, {
    nonce: Buffer.from('nonce'),
    user_data: Buffer.from('data'),
    public_key: Buffer.from('key'),
  })
})

const verify = (bytes: Uint8Array, changes: Partial<Policy> = {}, of: Chain = chain) =>
  codeOf(() => verifyDocument(bytes, policyFor(of, changes)))

describe('the policy', () => {
  const other = 'ab'.repeat(48)
  test.each<[string, string, Partial<Policy>]>([
    ['PCR0 alone', 'accepted', {}],
    ['PCR0 as one of several', 'accepted', { pcr0: [other, PCR0] }],
    ['other registers', 'accepted', { pcrs: { 1: 'c1'.repeat(48), 2: 'c2'.repeat(48), 3: '00'.repeat(48) } }],
    [
      'what the document binds',
      'accepted',
      { nonce: Buffer.from('nonce'), userData: Buffer.from('data'), publicKey: Buffer.from('key') },
    ],
    ['an age', 'accepted', { maxAgeMs: 0 }],
    ['a document from a clock a little ahead', 'accepted', { maxAgeMs: 0, at: new Date(AT - 30_000) }],
    ['the first second of the leaf', 'accepted', { at: new Date(LEAF_FROM) }],
    ['the last second of the leaf', 'accepted', { at: new Date(LEAF_TO) }],
    ['another PCR0', 'pcr0-mismatch', { pcr0: [other] }],
    ['another PCR2', 'pcr-mismatch', { pcrs: { 1: 'c1'.repeat(48), 2: other } }],
    ['another nonce', 'nonce-mismatch', { nonce: Buffer.from('Nonce') }],
    ['a longer nonce', 'nonce-mismatch', { nonce: Buffer.from('nonce\0') }],
    ['an empty nonce', 'nonce-mismatch', { nonce: new Uint8Array(0) }],
    ['other user data', 'user-data-mismatch', { userData: Buffer.from('dat') }],
    ['another public key', 'public-key-mismatch', { publicKey: Buffer.from('kez') }],
    ['a second before the leaf', 'not-yet-valid', { at: new Date(LEAF_FROM - 1000) }],
    ['a moment before the leaf', 'not-yet-valid', { at: new Date(LEAF_FROM - 1) }],
    ['a second after the leaf', 'expired', { at: new Date(LEAF_TO + 1000) }],
    ['a moment after the leaf', 'expired', { at: new Date(LEAF_TO + 1) }],
    ['an age that has passed', 'too-old', { maxAgeMs: 4999, at: new Date(AT + 5000) }],
    ['a document from the future', 'from-the-future', { maxAgeMs: 5000, at: new Date(AT - 30_001) }],
    ['another root', 'root-mismatch', { root: new Uint8Array(0) }],
    ['no image', 'policy', { pcr0: [] as unknown as Policy['pcr0'] }],
    ['upper-case hex', 'policy', { pcr0: ['AB'.repeat(48)] }],
    ['a short register', 'policy', { pcrs: { 8: 'ab' } }],
    ['no time', 'policy', { at: new Date(Number.NaN) }],
    ['an age that is no number', 'policy', { maxAgeMs: Number.NaN }],
  ])('%s: %s', (_, code, policy) => {
    expect(verify(document, policy)).toBe(code)
  })

  test.each<[string, string, Record<string, unknown>, Partial<Policy>]>([
    ['debug mode', 'debug-mode', { pcrs: registers({ 3: 'c3'.repeat(48) }) }, {}],
    ['debug mode, named', 'debug-mode', { pcrs: registers({}) }, { pcr0: ['00'.repeat(48), PCR0] }],
    ['no PCR0', 'pcr-missing', { pcrs: new Map([[1, new Uint8Array(48)]]) }, {}],
    ['no PCR8', 'pcr-missing', { pcrs: registers({ 0: PCR0 }, 8) }, { pcrs: { 8: '00'.repeat(48) } }],
    ['no nonce', 'nonce-mismatch', {}, { nonce: Buffer.from('nonce') }],
    ['no nonce where an empty one is expected', 'nonce-mismatch', {}, { nonce: new Uint8Array(0) }],
    ['no user data', 'user-data-mismatch', {}, { userData: Buffer.from('data') }],
    ['no public key', 'public-key-mismatch', {}, { publicKey: Buffer.from('key') }],
  ])('%s: %s', (_, code, fields, policy) => {
    expect(verify(forge(chain, fields), policy)).toBe(code)
  })

  test('gives back what it verified', () => {
    expect(verifyDocument(document, policyFor(chain))).toEqual(parseDocument(document))
  })
})

describe('the chain', () => {
  const broken = (place: keyof Chain, change: Partial<Spec>) => ({ [place]: change })
  test.each<[string, string, Record<string, Partial<Spec>>]>([
    ['no limit of length', 'accepted', broken('region', { pathLength: undefined })],
    ['a leaf that says nothing about being a CA', 'accepted', broken('leaf', { ca: undefined })],
    ['a root that is no CA', 'basic-constraints', broken('root', { ca: false })],
    ['a region that is no CA', 'basic-constraints', broken('region', { ca: false, pathLength: undefined })],
    ['an instance that does not say it is a CA', 'basic-constraints', broken('instance', { ca: undefined })],
    ['a leaf that is a CA', 'basic-constraints', broken('leaf', { ca: true })],
    ['a root that allows two CAs', 'path-length', broken('root', { pathLength: 2 })],
    ['a region that allows one CA', 'path-length', broken('region', { pathLength: 1 })],
    ['a zone that allows none', 'path-length', broken('zone', { pathLength: 0 })],
    ['a zone that may not sign certificates', 'key-usage', broken('zone', { keyUsage: 0x01 })],
    ['an instance without key usage', 'key-usage', broken('instance', { keyUsage: undefined })],
    ['a leaf that may not sign', 'key-usage', broken('leaf', { keyUsage: 0x04 })],
    ['a leaf without key usage', 'key-usage', broken('leaf', { keyUsage: undefined })],
    ['a P-256 region', 'certificate-algorithm', broken('region', { curve: 'P-256' })],
    ['a P-256 leaf', 'certificate-algorithm', broken('leaf', { curve: 'P-256' })],
    ['a zone signed with SHA-256', 'certificate-algorithm', broken('zone', { hash: 'SHA-256' })],
    ['a critical extension nobody knows', 'certificate-extension', broken('leaf', { critical: ['1.2.3.4'] })],
    ['name constraints', 'certificate-extension', broken('region', { critical: ['2.5.29.30'] })],
    ['an extension twice', 'certificate', broken('leaf', { twice: true })],
    ['another name as the issuer', 'issuer', broken('leaf', { issuer: 'CN=zone' })],
    ['a root that has expired', 'expired', broken('root', { notAfter: AT - 1000 })],
    ['a region that has expired', 'expired', broken('region', { notAfter: AT - 1000 })],
    ['an instance that is not yet valid', 'not-yet-valid', broken('instance', { notBefore: AT + 1000 })],
  ])('%s: %s', async (_, code, changes) => {
    const forged = await forgeChain(changes)
    // A P-256 key makes a shorter signature; whose it is does not matter, because the chain is checked first.
    const key = changes['leaf']?.curve === 'P-256' ? chain.key : forged.key
    expect(verify(forge({ ...forged, key }), {}, forged)).toBe(code)
  })

  test.each<[string, string, (chain: Chain, other: Chain) => Uint8Array[]]>([
    ['is right', 'accepted', ({ root, region, zone, instance }) => [root.der, region.der, zone.der, instance.der]],
    [
      'is in reverse',
      'root-mismatch',
      ({ root, region, zone, instance }) => [instance.der, zone.der, region.der, root.der],
    ],
    [
      'has two exchanged',
      'issuer',
      ({ root, region, zone, instance }) => [root.der, zone.der, region.der, instance.der],
    ],
    ['lacks the region', 'issuer', ({ root, zone, instance }) => [root.der, zone.der, instance.der]],
    ['lacks the instance', 'issuer', ({ root, region, zone }) => [root.der, region.der, zone.der]],
    ['is the root alone', 'issuer', ({ root }) => [root.der]],
    ['lacks the root', 'root-mismatch', ({ region, zone, instance }) => [region.der, zone.der, instance.der]],
    [
      'starts from a root of its own',
      'root-mismatch',
      ({ region, zone, instance }, { root }) => [root.der, region.der, zone.der, instance.der],
    ],
    [
      'has a namesake as the region',
      'certificate-signature',
      ({ root, zone, instance }, { region }) => [root.der, region.der, zone.der, instance.der],
    ],
    [
      'has a namesake as the instance',
      'certificate-signature',
      ({ root, region, zone }, { instance }) => [root.der, region.der, zone.der, instance.der],
    ],
    [
      'has a byte after the zone',
      'certificate',
      ({ root, region, zone, instance }) => [
        root.der,
        region.der,
        Buffer.concat([zone.der, Uint8Array.of(0)]),
        instance.der,
      ],
    ],
    [
      'has a PEM region',
      'certificate',
      ({ root, region, zone, instance }) => [
        root.der,
        Buffer.from(new x509.X509Certificate(region.der).toString('pem')).subarray(0, 1024),
        zone.der,
        instance.der,
      ],
    ],
    [
      'has rubbish for a zone',
      'certificate',
      ({ root, region, instance }) => [root.der, region.der, new Uint8Array(64), instance.der],
    ],
  ])('whose cabundle %s: %s', async (_, code, cabundle) => {
    const other = await forgeChain()
    expect(verify(forge(chain, { cabundle: cabundle(chain, other) }))).toBe(code)
  })

  test('of a stranger is not believed though all of it holds', async () => {
    const other = await forgeChain()
    expect(verify(forge(other), {}, other)).toBe('accepted')
    expect(verify(forge(other))).toBe('root-mismatch')
  })

  test('is read as @peculiar/x509 reads it', async () => {
    const { parseCertificate } = await import('../../../enclave/attestation/certificate.ts')
    for (const { der } of [chain.root, chain.region, chain.zone, chain.instance, chain.leaf]) {
      const certificate = new x509.X509Certificate(der)
      const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
      const usages = Number(certificate.getExtension(x509.KeyUsagesExtension)?.usages)
      expect(parseCertificate(der, 'it')).toMatchObject({
        ca: constraints?.ca,
        pathLength: constraints?.pathLength,
        keyUsage: { digitalSignature: (usages & 0x01) !== 0, keyCertSign: (usages & 0x20) !== 0 },
      })
    }
  })
})

describe('the signature', () => {
  const stranger = () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  test.each<[string, () => KeyObject]>([
    ['another key', stranger],
    ["the instance's key", () => KeyObject.from(chain.instance.keys.privateKey)],
  ])('of %s does not hold', (_, key) => {
    expect(verify(signDocument(encodePayload(fieldsOf(chain)), key()))).toBe('signature')
  })

  test('of one document does not fit another', () => {
    const mixed = Uint8Array.from(document)
    mixed.set(forge(chain).subarray(-96), mixed.length - 96)
    expect(verify(mixed)).toBe('signature')
  })

  test('of zeros does not hold', () => {
    expect(verify(Uint8Array.from(document).fill(0, document.length - 96))).toBe('signature')
  })

  test('in the other half of the group holds too: AWS does not normalise s', () => {
    const n = BigInt(
      '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    )
    const s = BigInt(`0x${document.subarray(-48).toHex()}`)
    const mirrored = Uint8Array.from(document)
    mirrored.set(Uint8Array.fromHex((n - s).toString(16).padStart(96, '0')), mirrored.length - 48)
    expect(verify(mirrored)).toBe('accepted')
  })
})

test('one flipped bit anywhere is refused', () => {
  fc.assert(
    fc.property(fc.nat(document.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Uint8Array.from(document)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
      expect(() => verifyDocument(flipped, policyFor(chain))).toThrow(AttestationError)
    }),
    { numRuns: 500 },
  )
})

test('rubbish inside a signed document throws nothing but its own error', () => {
  const rubbish = fc.uint8Array({ minLength: 1, maxLength: 200 })
  const damaged = fc
    .tuple(
      fc.constantFrom('root', 'region', 'zone', 'instance', 'leaf'),
      fc.nat(400),
      fc.nat(4),
      fc.uint8Array({ maxLength: 4 }),
    )
    .map(([place, at, removed, added]) => [place, at, removed, added] as const)
  fc.assert(
    fc.property(rubbish, (certificate) => {
      expect(() => verifyDocument(forge(chain, { certificate }), policyFor(chain))).toThrow(AttestationError)
    }),
  )
  fc.assert(
    fc.property(damaged, ([place, at, removed, added]) => {
      const ders = {
        ...chain,
        [place]: {
          ...chain[place as 'leaf'],
          der: Uint8Array.from([...chain[place as 'leaf'].der].toSpliced(at, removed, ...added)),
        },
      }
      expect(strayFrom(() => verifyDocument(forge(ders), policyFor(chain)), AttestationError)).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})
