import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createIdentity, ingressBinding } from '../../enclave/identity.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
const identity = await createIdentity(Date.now())
const config = Buffer.from('config')

describe('what an attestation document binds', () => {
  it('is the TLS key, the configuration and the CA certificate, in this order', () => {
    const certificate = Buffer.from('certificate')
    const parts = [identity.tls.publicKey, config, certificate].map(sha256)
    expect(Buffer.from(ingressBinding(identity, config, certificate))).toEqual(Buffer.concat(parts))
  })

  it('is shorter without a CA, so that host mode cannot be taken for the other', () => {
    expect(ingressBinding(identity, config)).toHaveLength(64)
  })
})

describe('an identity', () => {
  it('is another at each boot', async () => {
    const other = await createIdentity(Date.now())
    expect(other.tls.publicKey).not.toEqual(identity.tls.publicKey)
    expect(other.recipient.publicKey).not.toEqual(identity.recipient.publicKey)
  })

  it('has an RSA key that KMS can answer to', () => {
    const key = createPublicKey({ key: Buffer.from(identity.recipient.publicKey), format: 'der', type: 'spki' })
    expect([key.asymmetricKeyType, key.asymmetricKeyDetails]).toMatchObject(['rsa', { modulusLength: 2048 }])
    expect(createPublicKey(identity.recipient.privateKey).equals(key)).toBe(true)
  })

  it('has a certificate of its own TLS key, good a day before the boot and a year after', async () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    const { tls } = await createIdentity(now)
    const certificate = new X509Certificate(tls.cert)
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' })).toEqual(Buffer.from(tls.publicKey))
    expect(createPublicKey(tls.key).equals(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(certificate.validFromDate).toEqual(new Date('2026-11-20T12:00:00Z'))
    expect(certificate.validToDate).toEqual(new Date('2027-11-21T12:00:00Z'))
  })
})
