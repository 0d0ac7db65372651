import { createHash, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { readBer } from '../../enclave/attestation/ber.ts'
import { AuthorityError, openAuthority, type Authority } from '../../enclave/authority.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { x509 } from '../../enclave/x509.ts'
import { generateIdentityKey, unwrapped } from './keys.ts'

const PCR0 = createHash('sha384').update('our image').digest()
const OTHER_PCR0 = createHash('sha384').update('another image').digest()
const NOW = Date.parse('2026-11-21T12:00:00Z')
const key = generateIdentityKey()
const open = (pcr0 = PCR0) => openAuthority(unwrapped(key), { environment: 'production', pcr0 })
const extension = (der: Uint8Array, oid: string) =>
  new x509.X509Certificate(new Uint8Array(der)).extensions.find(({ type }) => type === oid)

describe('the CA certificate', () => {
  let authority: Authority
  let ca: X509Certificate
  beforeAll(async () => {
    authority = await open()
    ca = new X509Certificate(authority.certificate)
  })

  it('is a self-signed CA with no CA below it, of the unwrapped key', () => {
    expect(ca.subject).toBe('CN=DriftSeal production')
    expect(ca.issuer).toBe(ca.subject)
    expect(ca.verify(createPublicKey(key))).toBe(true)
    const constraints = extension(ca.raw, '2.5.29.19') as InstanceType<typeof x509.BasicConstraintsExtension>
    expect(constraints).toMatchObject({ ca: true, pathLength: 0, critical: true })
    const usages = extension(ca.raw, '2.5.29.15') as InstanceType<typeof x509.KeyUsagesExtension>
    expect(usages).toMatchObject({ usages: x509.KeyUsageFlags.keyCertSign, critical: true })
  })

  it('is the same at the next boot and in another image, but for its signature', async () => {
    const again = await open(OTHER_PCR0)
    const signed = (der: Uint8Array) => readBer(der, (why) => expect.fail(why)).children[0]?.encoding.toHex()
    expect(signed(again.certificate)).toBe(signed(authority.certificate))
    expect(again.certificate).not.toEqual(authority.certificate)
    expect(new X509Certificate(again.pem).raw).toEqual(Buffer.from(again.certificate))
  })

  it('verifies the leaves that were issued under it at another boot', async () => {
    const { certificate } = await (await open(OTHER_PCR0)).issue(NOW)
    const leaf = new X509Certificate(certificate)
    expect(leaf.checkIssued(ca)).toBe(true)
    expect(leaf.verify(ca.publicKey)).toBe(true)
    const keyId = extension(ca.raw, '2.5.29.14') as InstanceType<typeof x509.SubjectKeyIdentifierExtension>
    expect(extension(leaf.raw, '2.5.29.35')).toMatchObject({ keyId: keyId.keyId })
  })

  it('of another environment or another key is another', async () => {
    const { certificate } = await authority.issue(NOW)
    const leaf = new X509Certificate(certificate)
    const staging = await openAuthority(unwrapped(key), { environment: 'staging', pcr0: PCR0 })
    expect(leaf.checkIssued(new X509Certificate(staging.certificate))).toBe(false)
    const foreign = await openAuthority(unwrapped(generateIdentityKey()), { environment: 'production', pcr0: PCR0 })
    expect(leaf.verify(new X509Certificate(foreign.certificate).publicKey)).toBe(false)
  })
})

describe('a leaf', () => {
  it('names environment and image, signs and is no CA, for an hour', async () => {
    const { certificate, key: leafKey, serial } = await (await open()).issue(NOW)
    const leaf = new X509Certificate(certificate)
    expect(leaf.subject).toBe(`CN=production.${PCR0.toString('hex').slice(0, 16)}`)
    expect(leaf.ca).toBe(false)
    expect(extension(leaf.raw, '2.5.29.15')).toMatchObject({ usages: x509.KeyUsageFlags.digitalSignature })
    expect(leaf.validFromDate).toEqual(new Date('2026-11-21T11:55:00Z'))
    expect(leaf.validToDate).toEqual(new Date('2026-11-21T13:00:00Z'))
    expect(BigInt(`0x${leaf.serialNumber}`)).toBe(serial)
    expect(leaf.publicKey.equals(createPublicKey(leafKey))).toBe(true)
  })

  it('has a fresh key at each boot and a fresh serial number each time', async () => {
    const authority = await open()
    const [one, two, other] = await Promise.all([authority.issue(NOW), authority.issue(NOW), (await open()).issue(NOW)])
    expect(one.serial).not.toBe(two.serial)
    expect(one.key.equals(two.key)).toBe(true)
    expect(one.key.equals(other.key)).toBe(false)
  })

  it('has a CN within X.520’s 64 characters for the longest environment', async () => {
    const environment = 'e'.repeat(47)
    const authority = await openAuthority(unwrapped(key), { environment, pcr0: PCR0 })
    const { subject } = new X509Certificate((await authority.issue(NOW)).certificate)
    expect(subject).toHaveLength('CN='.length + 64)
  })
})

describe('a key that is none', () => {
  const pkcs8 = { type: 'pkcs8', format: 'der' } as const
  const der = key.export(pkcs8)
  it.each<[string, Uint8Array]>([
    ['noise', Buffer.alloc(138, 7)],
    ['a cut one', der.subarray(0, -1)],
    ['one of another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pkcs8)],
    ['one of another kind', generateKeyPairSync('ed25519').privateKey.export(pkcs8)],
    ['a private key that is not the public one’s', der.map((byte, index) => (index === 40 ? byte ^ 1 : byte))],
  ])('%s is refused, and wiped', async (_what, bytes) => {
    const secret = new Secret(Uint8Array.from(bytes))
    await expect(openAuthority(secret, { environment: 'local', pcr0: PCR0 })).rejects.toThrow(AuthorityError)
    expect(() => secret.use(() => {})).toThrow('wiped')
  })

  it('is wiped when it is good, too', async () => {
    const secret = unwrapped(key)
    const { key: leafKey } = await (await openAuthority(secret, { environment: 'local', pcr0: PCR0 })).issue(NOW)
    expect(() => secret.use(() => {})).toThrow('wiped')
    expect(sign('sha256', Buffer.from('text'), leafKey).length).toBeGreaterThan(60)
  })
})
