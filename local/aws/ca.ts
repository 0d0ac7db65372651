import { KeyObject, webcrypto } from 'node:crypto'
import { x509 } from '../../enclave/x509.ts'

/** A TLS server's certificate and its private key, both PEM. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority that lives as long as its process: the private key is never written anywhere. */
export interface Ca {
  readonly pem: string
  /** A certificate for these host names; `*.` may stand for one label. */
  issue(hosts: readonly [string, ...string[]]): Promise<ServerCertificate>
}

const VALID_DAYS = 30
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export async function createCa(now: Date): Promise<Ca> {
  const notAfter = new Date(now.getTime() + VALID_DAYS * 86_400_000)
  const keys = await generateKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=DriftSeal local CA',
    notBefore: now,
    notAfter,
    keys,
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    pem: `${root.toString('pem')}\n`,
    async issue(hosts) {
      const server = await generateKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=${hosts[0]}`,
        issuer: root.subject,
        notBefore: now,
        notAfter,
        publicKey: server.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: P256,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value }))),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      })
      return { cert: `${certificate.toString('pem')}\n`, key: pkcs8(server.privateKey) }
    },
  }
}

const generateKeys = () => webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])

const pkcs8 = (key: webcrypto.CryptoKey): string => KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' })
