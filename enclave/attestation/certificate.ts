import { type KeyObject, X509Certificate } from 'node:crypto'
import { type Element, readBer, Tag } from './ber.ts'
import { AttestationError, type Fail } from './error.ts'

/**
 * One certificate of a chain. OpenSSL (by node:crypto) reads it, compares names and checks signatures; what it does not
 * show, the extensions, is read here. @peculiar/x509 would show them too, but takes longer to parse a chain than all of
 * its signatures take to check, verifies only asynchronously and needs a container and a patched `Reflect` at run time.
 */
export interface Certificate {
  readonly x509: X509Certificate
  readonly key: KeyObject
  readonly ca: boolean
  readonly pathLength: number | undefined
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean }
}

const ECDSA_WITH_SHA384 = '1.2.840.10045.4.3.3'
const CURVE = 'secp384r1'
/** The octets of the identifiers 2.5.29.15 and 2.5.29.19. */
const KEY_USAGE = '551d0f'
const BASIC_CONSTRAINTS = '551d13'
const EXTENSIONS = 0xa3
const TRUE = 0xff
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04

/** Reads a DER certificate with a P-384 key, signed with ES384. `name` is what messages call it. */
export function parseCertificate(der: Uint8Array, name: string): Certificate {
  const fail: Fail = (why) => {
    throw new AttestationError('certificate', `${name} is not a certificate: ${why}`)
  }
  const { x509, key } = openX509(der, fail)
  if (x509.signatureAlgorithmOid !== ECDSA_WITH_SHA384 || key.asymmetricKeyDetails?.namedCurve !== CURVE)
    throw new AttestationError('certificate-algorithm', `${name} is not P-384 signed with ECDSA and SHA-384`)
  const extensions = readExtensions(readBer(der, fail), name, fail)
  return {
    x509,
    key,
    ...basicConstraints(extensions.get(BASIC_CONSTRAINTS), fail),
    keyUsage: keyUsage(extensions.get(KEY_USAGE), fail),
  }
}

function openX509(der: Uint8Array, fail: Fail): { x509: X509Certificate; key: KeyObject } {
  try {
    const x509 = new X509Certificate(der)
    return { x509, key: x509.publicKey }
  } catch {
    return fail('it cannot be read')
  }
}

/** By identifier in hex. RFC 5280, 4.2: none occurs twice, and a critical one that is not understood is refused. */
function readExtensions(certificate: Element, name: string, fail: Fail): ReadonlyMap<string, Uint8Array> {
  const list = certificate.children[0]?.children.find(({ tag }) => tag === EXTENSIONS)?.children[0]
  const found = new Map<string, Uint8Array>()
  for (const { children } of list?.children ?? []) {
    const [id, ...rest] = children
    const value = rest.pop()
    const critical = rest.pop()
    if (id === undefined || value?.tag !== Tag.octetString || rest.length > 0) return fail('an extension has no value')
    if (critical !== undefined && !isTrue(critical)) return fail('an extension is neither critical nor silent about it')
    const oid = Buffer.from(id.content).toString('hex')
    if (found.has(oid)) return fail('it has an extension twice')
    if (critical !== undefined && oid !== BASIC_CONSTRAINTS && oid !== KEY_USAGE)
      throw new AttestationError('certificate-extension', `${name} has a critical extension that is not understood`)
    found.set(oid, value.content)
  }
  return found
}

/** Absent, it says: not a CA (RFC 5280, 4.2.1.9). */
function basicConstraints(extension: Uint8Array | undefined, fail: Fail): Pick<Certificate, 'ca' | 'pathLength'> {
  if (extension === undefined) return { ca: false, pathLength: undefined }
  const { tag, children } = readBer(extension, fail)
  const [ca, pathLength] = children
  if (tag === Tag.sequence && ca === undefined) return { ca: false, pathLength: undefined }
  if (tag !== Tag.sequence || ca === undefined || !isTrue(ca) || children.length > 2)
    return fail('bad basic constraints')
  if (pathLength === undefined) return { ca: true, pathLength: undefined }
  const [length] = pathLength.content
  if (pathLength.tag !== Tag.integer || pathLength.content.length !== 1 || length === undefined || length > 0x7f)
    return fail('bad path length')
  return { ca: true, pathLength: length }
}

/** Absent, it allows nothing here: AWS always writes it. */
function keyUsage(extension: Uint8Array | undefined, fail: Fail): Certificate['keyUsage'] {
  if (extension === undefined) return { digitalSignature: false, keyCertSign: false }
  const { tag, content } = readBer(extension, fail)
  const bits = content[1]
  if (tag !== Tag.bitString || bits === undefined) return fail('bad key usage')
  return { digitalSignature: (bits & DIGITAL_SIGNATURE) !== 0, keyCertSign: (bits & KEY_CERT_SIGN) !== 0 }
}

const isTrue = ({ tag, content }: Element) => tag === Tag.boolean && content.length === 1 && content[0] === TRUE
