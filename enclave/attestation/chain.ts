import { createHash, type KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from './certificate.ts'
import type { AttestationDocument } from './document.ts'
import { AttestationError } from './error.ts'

/** Certificates remembered as signed by their issuers: a region has one, a zone one, a node one a day. */
const MAX_REMEMBERED = 64

interface Link {
  readonly name: string
  readonly der: Uint8Array
  readonly certificate: Certificate
}

/** Follows the chain from the pinned root to the leaf, and returns the key that must have signed the document. */
export function verifyChain(document: AttestationDocument, root: Uint8Array, at: Date): KeyObject {
  const [claimedRoot, ...intermediates] = document.cabundle
  // The anchor is the pinned root; what the document calls its root only has to be the same.
  if (claimedRoot === undefined || Buffer.compare(claimedRoot, root) !== 0)
    throw new AttestationError('root-mismatch', 'cabundle[0] is not the pinned root: the document comes from elsewhere')

  let issuer = link(root, 'the root')
  requireAuthority(issuer, intermediates.length)
  requireValid(issuer, at)
  for (const [index, der] of intermediates.entries()) {
    const authority = link(der, `cabundle[${index + 1}]`)
    requireIssued(authority, issuer)
    requireAuthority(authority, intermediates.length - 1 - index)
    requireValid(authority, at)
    issuer = authority
  }
  const leaf = link(document.certificate, 'the leaf')
  requireIssued(leaf, issuer)
  requireSigner(leaf)
  requireValid(leaf, at)
  return leaf.certificate.key
}

const link = (der: Uint8Array, name: string): Link => ({ name, der, certificate: parseCertificate(der, name) })

function requireIssued(subject: Link, issuer: Link): void {
  if (!subject.certificate.x509.checkIssued(issuer.certificate.x509))
    throw new AttestationError('issuer', `${subject.name} was not issued by ${issuer.name}: the order is root to leaf`)
  if (!isSignedBy(subject, issuer))
    throw new AttestationError('certificate-signature', `the signature of ${subject.name} is not ${issuer.name}'s`)
}

/** `below` is how many CA certificates stand between this one and the leaf (RFC 5280, 4.2.1.9). */
function requireAuthority({ certificate, name }: Link, below: number): void {
  if (!certificate.ca) throw new AttestationError('basic-constraints', `${name} is not a CA`)
  if (certificate.pathLength !== undefined && certificate.pathLength < below)
    throw new AttestationError(
      'path-length',
      `${name} allows ${certificate.pathLength} CAs below it, there are ${below}`,
    )
  if (!certificate.keyUsage.keyCertSign) throw new AttestationError('key-usage', `${name} may not sign certificates`)
}

function requireSigner({ certificate, name }: Link): void {
  if (certificate.ca) throw new AttestationError('basic-constraints', `${name} is a CA`)
  if (!certificate.keyUsage.digitalSignature) throw new AttestationError('key-usage', `${name} may not sign documents`)
}

/** Both ends belong to the period (RFC 5280, 4.1.2.5). */
function requireValid({ certificate: { x509 }, name }: Link, at: Date): void {
  if (!(x509.validFromDate <= at))
    throw new AttestationError(
      'not-yet-valid',
      `${name} is valid from ${x509.validFrom}, and it is ${at.toISOString()}`,
    )
  if (!(x509.validToDate >= at))
    throw new AttestationError('expired', `${name} was valid to ${x509.validTo}, and it is ${at.toISOString()}`)
}

/**
 * That one certificate is signed by another is a fact of their bytes, true at any time, so it may be remembered; what
 * depends on the time or the chain is asked anew. A P-384 signature takes 0.6 ms to check, and a document has five.
 */
const remembered = new Set<string>()

function isSignedBy(subject: Link, issuer: Link): boolean {
  const fact = createHash('sha256').update(issuer.certificate.x509.fingerprint256).update(subject.der).digest('base64')
  if (remembered.has(fact)) return true
  if (!subject.certificate.x509.verify(issuer.certificate.key)) return false
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.add(fact)
  return true
}
