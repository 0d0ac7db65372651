import { KeyObject, webcrypto } from 'node:crypto'
import { x509 } from '../../enclave/x509.ts'

/** A certificate and the key it is for. */
export interface Holder {
  readonly certificate: Uint8Array
  readonly subject: string
  readonly keys: webcrypto.CryptoKeyPair
}

interface CertificateRequest {
  readonly subject: string
  readonly notBefore: number
  readonly notAfter: number
  /** A CA's path length, null for no limit; undefined for a certificate that is no CA. */
  readonly pathLength: number | null | undefined
  readonly keyUsage: number
}

/** The certificates under a root, down to the key that signs documents. */
export interface Chain {
  /** Root first, as documents carry it. */
  readonly cabundle: readonly Uint8Array[]
  readonly certificate: Uint8Array
  readonly key: KeyObject
  readonly notAfter: number
}

const P384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const
const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR
const ROOT_LIFE = 30 * 365 * DAY
const { keyCertSign, cRLSign, digitalSignature, nonRepudiation } = x509.KeyUsageFlags
const AUTHORITY = digitalSignature | keyCertSign | cRLSign
const ORGANISATION = 'C=US, O=DriftSeal, OU=Software NSM'
const DOMAIN = 'local.software.nitro-enclaves'

/** A root of its own: nothing that it signs is believed by whoever pins AWS's. */
export function createRoot(now: number): Promise<Holder> {
  const subject = `${ORGANISATION}, CN=${DOMAIN}`
  return issue({ subject, notBefore: now - DAY, notAfter: now + ROOT_LIFE, pathLength: null, keyUsage: AUTHORITY })
}

/** Region, zone, instance and enclave, with the lives, path lengths and key usages that AWS gives them. */
export async function createChain(root: Holder, moduleId: string, now: number): Promise<Chain> {
  const seconds = Math.floor(now / SECOND) * SECOND
  const authority = (name: string, pathLength: number, age: number, life: number, keyUsage: number) => ({
    subject: `${ORGANISATION}, CN=${name}.${DOMAIN}`,
    notBefore: seconds - age,
    notAfter: seconds - age + life,
    pathLength,
    keyUsage,
  })
  const region = await issue(authority('4c2e10aa0d3e8894', 2, 4 * DAY, 20 * DAY, AUTHORITY), root)
  const zone = await issue(authority('edbf01d65003f42f.zonal', 1, DAY, 5 * DAY, AUTHORITY), region)
  const instanceId = moduleId.split('-enc')[0] ?? moduleId
  const instance = await issue(authority(instanceId, 0, HOUR, DAY, keyCertSign), zone)
  const notAfter = seconds + 3 * HOUR + 3 * SECOND
  const leaf = await issue(
    {
      subject: `${ORGANISATION}, CN=${moduleId}.local`,
      notBefore: seconds,
      notAfter,
      pathLength: undefined,
      keyUsage: digitalSignature | nonRepudiation,
    },
    instance,
  )
  return {
    cabundle: [root, region, zone, instance].map(({ certificate }) => certificate),
    certificate: leaf.certificate,
    key: KeyObject.from(leaf.keys.privateKey),
    notAfter,
  }
}

/** Signs a certificate for a new P-384 key; without an issuer it signs itself. */
async function issue(request: CertificateRequest, issuer?: Holder): Promise<Holder> {
  const keys = await webcrypto.subtle.generateKey(P384, true, ['sign', 'verify'])
  const ca = request.pathLength !== undefined
  const certificate = await x509.X509CertificateGenerator.create({
    subject: request.subject,
    issuer: issuer?.subject ?? request.subject,
    notBefore: new Date(request.notBefore),
    notAfter: new Date(request.notAfter),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: P384,
    extensions: [
      new x509.BasicConstraintsExtension(ca, request.pathLength ?? undefined, true),
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- flags are made to be added up
      new x509.KeyUsagesExtension(request.keyUsage, ca),
      ...(ca ? [await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)] : []),
      ...(ca && issuer ? [await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)] : []),
    ],
  })
  return { certificate: new Uint8Array(certificate.rawData), subject: request.subject, keys }
}
