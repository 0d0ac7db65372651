/** Which check of an attestation document did not hold. */
export type AttestationCode =
  // the envelope
  | 'size'
  | 'cbor'
  | 'cose'
  | 'algorithm'
  | 'protected-header'
  | 'unprotected-header'
  | 'signature-length'
  // the payload
  | 'payload'
  | 'module-id'
  | 'digest'
  | 'timestamp'
  | 'pcrs'
  | 'certificate'
  | 'cabundle'
  | 'public-key'
  | 'user-data'
  | 'nonce'
  // the chain
  | 'root-mismatch'
  | 'certificate-algorithm'
  | 'certificate-extension'
  | 'issuer'
  | 'certificate-signature'
  | 'not-yet-valid'
  | 'expired'
  | 'basic-constraints'
  | 'path-length'
  | 'key-usage'
  // the document's signature and the policy
  | 'signature'
  | 'policy'
  | 'pcr-missing'
  | 'debug-mode'
  | 'pcr0-mismatch'
  | 'pcr-mismatch'
  | 'nonce-mismatch'
  | 'user-data-mismatch'
  | 'public-key-mismatch'
  | 'too-old'
  | 'from-the-future'

/** The document is not to be trusted; `code` names the check that failed. */
export class AttestationError extends Error {
  readonly code: AttestationCode
  constructor(code: AttestationCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** Which check of a `CiphertextForRecipient` did not hold. */
export type RecipientCode =
  | 'size'
  | 'ber'
  | 'content-type'
  | 'version'
  | 'recipients'
  | 'key-id'
  | 'key-algorithm'
  | 'encrypted-key'
  | 'content-algorithm'
  | 'content'
  | 'key'
  | 'decrypt'

/** A `CiphertextForRecipient` that is not for our key, or not in the form in which KMS writes it. */
export class RecipientError extends Error {
  readonly code: RecipientCode
  constructor(code: RecipientCode, message: string) {
    super(`CiphertextForRecipient: ${message}`)
    this.code = code
  }
}

/** How a reader of bytes refuses them: with the error of whoever asked. */
export type Fail = (why: string) => never
