import { KeyObject, webcrypto } from 'node:crypto'
import type { Policy } from '../../../enclave/attestation/verify.ts'
import { x509 } from '../../../enclave/x509.ts'
import { cbor, encodePayload, type Field, signDocument } from '../../../local/nsm/documents.ts'

/** Documents as a forger or a broken module might make them: every part of the chain and the envelope can be changed. */
export const AT = Date.UTC(2026, 0, 15, 12)
export const LEAF_FROM = AT - 60_000
export const LEAF_TO = LEAF_FROM + 3 * 3600_000 + 3000
export const PCR0 = 'c0'.repeat(48)

export interface Spec {
  subject: string
  /** The name it gives as its issuer's, if that is not its issuer's. */
  issuer?: string
  notBefore: number
  notAfter: number
  curve: 'P-256' | 'P-384'
  hash: 'SHA-256' | 'SHA-384'
  ca: boolean | undefined
  pathLength: number | undefined
  keyUsage: number | undefined
  critical: readonly string[]
  twice: boolean
}
export interface Holder {
  der: Uint8Array
  subject: string
  keys: webcrypto.CryptoKeyPair
}
type Place = 'root' | 'region' | 'zone' | 'instance' | 'leaf'
export interface Chain extends Record<Place, Holder> {
  key: KeyObject
}

const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags
const DAY = 86_400_000
const common = { curve: 'P-384', hash: 'SHA-384', critical: [], twice: false } as const
const authority = { ...common, ca: true, keyUsage: digitalSignature | keyCertSign | cRLSign } as const
const SPECS: Record<Place, Spec> = {
  root: { ...authority, subject: 'CN=root', notBefore: AT - 99 * DAY, notAfter: AT + 99 * DAY, pathLength: undefined },
  region: { ...authority, subject: 'CN=region', notBefore: AT - 4 * DAY, notAfter: AT + 16 * DAY, pathLength: 2 },
  zone: { ...authority, subject: 'CN=zone', notBefore: AT - DAY, notAfter: AT + 4 * DAY, pathLength: 1 },
  instance: {
    ...authority,
    subject: 'CN=i-1',
    notBefore: AT - 3600_000,
    notAfter: AT + DAY,
    pathLength: 0,
    keyUsage: keyCertSign,
  },
  leaf: {
    ...common,
    subject: 'CN=i-1-enc1',
    notBefore: LEAF_FROM,
    notAfter: LEAF_TO,
    ca: false,
    pathLength: undefined,
    keyUsage: digitalSignature,
  },
}

export async function forgeChain(changes: Partial<Record<Place, Partial<Spec>>> = {}): Promise<Chain> {
  const root = await certify({ ...SPECS.root, ...changes.root })
  const region = await certify({ ...SPECS.region, ...changes.region }, root)
  const zone = await certify({ ...SPECS.zone, ...changes.zone }, region)
  const instance = await certify({ ...SPECS.instance, ...changes.instance }, zone)
  const leaf = await certify({ ...SPECS.leaf, ...changes.leaf }, instance)
  return { root, region, zone, instance, leaf, key: KeyObject.from(leaf.keys.privateKey) }
}

async function certify(spec: Spec, issuer?: Holder): Promise<Holder> {
  const algorithm = { name: 'ECDSA', namedCurve: spec.curve, hash: spec.hash }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const extensions = [
    ...(spec.ca === undefined ? [] : [new x509.BasicConstraintsExtension(spec.ca, spec.pathLength, true)]),
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- flags are made to be added up
    ...(spec.keyUsage === undefined ? [] : [new x509.KeyUsagesExtension(spec.keyUsage, spec.ca === true)]),
    ...spec.critical.map((oid) => new x509.Extension(oid, true, Uint8Array.of(0x05, 0x00))),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    subject: spec.subject,
    issuer: spec.issuer ?? issuer?.subject ?? spec.subject,
    notBefore: new Date(spec.notBefore),
    notAfter: new Date(spec.notAfter),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: spec.hash },
    extensions: spec.twice ? [...extensions, ...extensions] : extensions,
  })
  return { der: new Uint8Array(certificate.rawData), subject: spec.subject, keys }
}

/** The fields in AWS's order; the tests change one at a time. */
export function fieldsOf(chain: Chain, changes: Readonly<Record<string, unknown>> = {}): Field[] {
  const fields = {
    module_id: 'i-1-enc1',
    digest: 'SHA384',
    timestamp: BigInt(AT),
    pcrs: registers({ 0: PCR0, 1: 'c1'.repeat(48), 2: 'c2'.repeat(48) }),
    certificate: chain.leaf.der,
    cabundle: [chain.root, chain.region, chain.zone, chain.instance].map(({ der }) => der),
    public_key: null,
    user_data: null,
    nonce: null,
  }
  return Object.entries({ ...fields, ...changes })
}

/** A register for each index, all zero where nothing is said. */
export function registers(hex: Readonly<Record<number, string>>, count = 16): Map<number, Uint8Array> {
  return new Map(Array.from({ length: count }, (_, i) => [i, Uint8Array.fromHex(hex[i] ?? '00'.repeat(48))] as const))
}

/** A document whose signature is right whatever its fields are. */
export const forge = (chain: Chain, changes?: Readonly<Record<string, unknown>>): Uint8Array =>
  signDocument(encodePayload(fieldsOf(chain, changes)), chain.key)

export const policyFor = (chain: Chain, changes: Partial<Policy> = {}): Policy => ({
  root: chain.root.der,
  at: new Date(AT),
  pcr0: [PCR0],
  ...changes,
})

/** The error's code, or 'accepted': a table then shows at once what did not happen. */
export function codeOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'accepted'
}

/** What a reader throws besides its own error: nothing, the properties say. */
export function strayFrom(act: () => unknown, own: new (...args: never[]) => Error): unknown {
  try {
    act()
  } catch (error) {
    if (!(error instanceof own)) return error
  }
  return undefined
}

export { cbor, encodePayload }
