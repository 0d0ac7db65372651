import { createHash, createPrivateKey, generateKeyPair, webcrypto, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { x509 } from './x509.ts'

/** What this enclave makes for itself at each boot; nothing of it outlives the process. */
export interface Identity {
  /** The RSA key to which KMS encrypts its answers. */
  readonly recipient: { readonly privateKey: KeyObject; readonly publicKey: Uint8Array }
  /** The key and the certificate of the ingress; the attestation document vouches for the key. */
  readonly tls: { readonly key: string; readonly cert: string; readonly publicKey: Uint8Array }
}

const RSA_BITS = 2048
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const CERTIFICATE_DAYS = 365
const DAY_MS = 86_400_000

export async function createIdentity(now: number): Promise<Identity> {
  const [recipient, tls] = await Promise.all([createRecipient(), createTls(now)])
  return { recipient, tls }
}

/**
 * What an attestation document of the ingress binds, a SHA-256 of each: the TLS key that answers, the configuration in
 * force and the CA certificate, if the enclave has one. Without it there are 64 bytes, which no one takes for 96.
 */
export function ingressBinding(identity: Identity, config: Uint8Array, authority?: Uint8Array): Uint8Array {
  return Buffer.concat([identity.tls.publicKey, config, ...(authority === undefined ? [] : [authority])].map(sha256))
}

async function createRecipient(): Promise<Identity['recipient']> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }) }
}

async function createTls(now: number): Promise<Identity['tls']> {
  x509.cryptoProvider.set(webcrypto)
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  // Its name and dates mean nothing: whoever connects checks the key against the attestation document.
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=driftseal enclave',
    keys,
    signingAlgorithm: P256,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + CERTIFICATE_DAYS * DAY_MS),
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const cert = certificate.toString('pem')
  return {
    key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }),
    cert,
    publicKey: new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }),
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
