import { createHash, createPrivateKey, createPublicKey, generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { RequestSigner } from './adapters/request_signature.ts'
import type { Secret } from './sealing/types.ts'
import { x509 } from './x509.ts'

export class AuthorityError extends Error {
  readonly code = 'ERR_AUTHORITY'
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** Fixed, so that the certificate is the same at every boot but for its signature. A new key comes long before the end. */
const VALID_FROM = new Date('2026-01-01T00:00:00Z')
const VALID_TO = new Date('2046-01-01T00:00:00Z')
/** A leaf is for one request; this is how long it could be used if its key got out. */
const LEAF_LIFE_MS = 3_600_000
/** How far AWS's clock may be behind ours. */
const LEAF_SKEW_MS = 300_000
/** RFC 5280, 4.1.2.2: a positive number of at most 20 bytes. */
const SERIAL_BYTES = 16
/** Enough to tell images apart, and with the longest environment still within the 64 characters of a CN. */
const PCR0_CHARS = 16

/**
 * The CA that AWS trusts for this enclave. Its key is one that KMS made and only an attested enclave of this environment
 * can unwrap; so it is the same at each boot and in each allowed image, and the host never has it.
 */
export interface Authority {
  /** The CA certificate in DER and PEM: what becomes the trust anchor. */
  readonly certificate: Uint8Array
  readonly pem: string
  /** A certificate for the key of this boot, good from now for an hour. */
  readonly issue: (now: number) => Promise<RequestSigner>
}

/**
 * Opens the CA of an unwrapped PKCS#8 key, which is wiped. An ECDSA signature is random, so each boot makes another
 * certificate, but subject, key, key identifier, serial number and dates are the same: whichever of them was registered
 * verifies every leaf, since a path is checked against the anchor's name and key (RFC 5280, 6.1.1 d).
 */
export async function openAuthority(
  pkcs8: Secret,
  { environment, pcr0 }: { readonly environment: string; readonly pcr0: Uint8Array },
): Promise<Authority> {
  using secret = pkcs8
  const { privateKey, publicKey, spki } = secret.use(readKey)
  const name = `CN=DriftSeal ${environment}`
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(createHash('sha256').update(spki).digest()),
    name,
    notBefore: VALID_FROM,
    notAfter: VALID_TO,
    keys: { privateKey, publicKey },
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })

  const leaf = await promisify(generateKeyPair)('ec', { namedCurve: P256.namedCurve })
  const leafKey = leaf.publicKey.toCryptoKey(P256, true, ['verify'])
  return {
    certificate: new Uint8Array(ca.rawData),
    pem: `${ca.toString('pem')}\n`,
    async issue(now) {
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serial(randomBytes(SERIAL_BYTES)),
        // The session's source identity, which CloudTrail shows and the role's trust policy can demand.
        subject: `CN=${environment}.${pcr0.toHex().slice(0, PCR0_CHARS)}`,
        issuer: name,
        notBefore: new Date(now - LEAF_SKEW_MS),
        notAfter: new Date(now + LEAF_LIFE_MS),
        publicKey: leafKey,
        signingKey: privateKey,
        signingAlgorithm: P256,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          await x509.AuthorityKeyIdentifierExtension.create(publicKey),
        ],
      })
      return {
        certificate: new Uint8Array(issued.rawData),
        serial: BigInt(`0x${issued.serialNumber}`),
        key: leaf.privateKey,
      }
    },
  }
}

function readKey(pkcs8: Uint8Array) {
  try {
    // A view of the same bytes: they are wiped with the secret.
    const view = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.byteLength)
    const key = createPrivateKey({ key: view, format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(key)
    return {
      privateKey: key.toCryptoKey(P256, false, ['sign']), // refuses another curve, and halves that do not fit
      publicKey: publicKey.toCryptoKey(P256, true, ['verify']),
      spki: publicKey.export({ type: 'spki', format: 'der' }),
    }
  } catch {
    throw new AuthorityError('the identity secret holds no P-256 key in PKCS#8: was it made as a data key pair?')
  }
}

/** In hex, with the two high bits set to 01: positive, and never shorter. */
function serial(bytes: Uint8Array): string {
  const [first = 0, ...rest] = bytes.subarray(0, SERIAL_BYTES)
  return Uint8Array.of((first & 0x3f) | 0x40, ...rest).toHex()
}
