import { Encoder } from 'cbor-x'
import { type Cbor, type CborMap, decodeCbor } from './cbor.ts'
import { type AttestationCode, AttestationError, type Fail } from './error.ts'

/** What a Nitro attestation document says. Only `verifyDocument` tells whether it is true. */
export interface AttestationDocument {
  readonly moduleId: string
  /** Milliseconds since the epoch, by the hypervisor's clock. */
  readonly timestamp: number
  /** The locked platform configuration registers, 48 bytes each. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  /** The leaf, whose key signed the document; DER. */
  readonly certificate: Uint8Array
  /** Root first, the leaf's issuer last; DER. */
  readonly cabundle: readonly Uint8Array[]
  readonly publicKey: Uint8Array | null
  readonly userData: Uint8Array | null
  readonly nonce: Uint8Array | null
  /** The bytes that the signature is over, made of those that were received. */
  readonly signed: Uint8Array
  /** r and s of ES384, 48 bytes each. */
  readonly signature: Uint8Array
}

// Sizes from AWS's attestation_process.md, section 3.2.2 (the CDDL there is laxer for user_data and nonce).
const MAX_PAYLOAD = 16_384
const MAX_CERTIFICATE = 1024
const MAX_PUBLIC_KEY = 1024
const MAX_USER_DATA = 512
const MAX_NONCE = 512
const MAX_PCRS = 32
/** The digest must be SHA384, which fixes the registers' size. */
const PCR_BYTES = 48
const SIGNATURE_BYTES = 96
/** The largest payload, and around it tag, heads, protected header and signature: 109 bytes. */
const MAX_DOCUMENT = MAX_PAYLOAD + 109

const COSE_SIGN1_TAG = 18
const ALG = 1
const ES384 = -35
/** `{1: -35}` in the one encoding that is accepted. */
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x38, 0x22)

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true })

/** RFC 9052, section 4.4: what a COSE_Sign1 with our protected header signs. */
export function toBeSigned(payload: Uint8Array): Uint8Array {
  return encoder.encode(['Signature1', PROTECTED, new Uint8Array(0), payload])
}

/** Reads a COSE_Sign1 attestation document, tagged or not, and refuses whatever AWS would not have written. */
export function parseDocument(received: Uint8Array): AttestationDocument {
  if (received.length > MAX_DOCUMENT)
    refuse('size', `the document has ${received.length} bytes; at most ${MAX_DOCUMENT} are read`)
  // The parts are views: of a copy, so that nobody can change them once they are verified.
  const { payload, signature } = parseEnvelope(Uint8Array.from(received))
  const fields = parsePayload(payload)
  if (fields.get('digest') !== 'SHA384') refuse('digest', 'digest is not "SHA384"')
  return {
    moduleId: parseModuleId(fields.get('module_id')),
    timestamp: parseTimestamp(fields.get('timestamp')),
    pcrs: parsePcrs(fields.get('pcrs')),
    certificate: byteString(fields.get('certificate'), 'certificate', 1, MAX_CERTIFICATE),
    cabundle: parseCabundle(fields.get('cabundle')),
    publicKey: optional(fields.get('public_key'), 'public-key', 1, MAX_PUBLIC_KEY),
    userData: optional(fields.get('user_data'), 'user-data', 0, MAX_USER_DATA),
    nonce: optional(fields.get('nonce'), 'nonce', 0, MAX_NONCE),
    signed: toBeSigned(payload),
    signature,
  }
}

function parseEnvelope(bytes: Uint8Array): { payload: Uint8Array; signature: Uint8Array } {
  const outer = decodeCbor(bytes, 'definite', refuseCbor('document'))
  const sign1 = isTagged(outer) && outer.tag === COSE_SIGN1_TAG ? outer.value : outer
  if (!Array.isArray(sign1) || sign1.length !== 4) return refuse('cose', 'not a COSE_Sign1: expected an array of four')
  const [header, unprotected, payload, signature]: readonly Cbor[] = sign1
  if (!(header instanceof Uint8Array)) return refuse('cose', 'the protected header is not a byte string')
  requireEs384(header)
  if (!(unprotected instanceof Map)) return refuse('cose', 'the unprotected header is not a map')
  if (unprotected.size > 0) return refuse('unprotected-header', 'the unprotected header is not empty: nothing signs it')
  const signatureBytes = byteString(signature, 'signature-length', SIGNATURE_BYTES, SIGNATURE_BYTES)
  return { payload: byteString(payload, 'payload', 1, MAX_PAYLOAD), signature: signatureBytes }
}

/** The algorithm is fixed, and read from nowhere but the signed header: a document has no say in how it is checked. */
function requireEs384(header: Uint8Array): void {
  if (Buffer.compare(header, PROTECTED) === 0) return
  const headers =
    header.length === 0 ? new Map<string, Cbor>() : decodeCbor(header, 'definite', refuseCbor('protected header'))
  if (!(headers instanceof Map)) return refuse('protected-header', 'the protected header is not a map')
  if (headers.get(ALG) !== ES384) return refuse('algorithm', 'the protected header does not name ES384 (-35)')
  return refuse('protected-header', 'the protected header holds more than the algorithm')
}

/** Keys that AWS may add later are signed like the others, so they are left alone. */
function parsePayload(payload: Uint8Array): CborMap {
  // Since 2026 the hardware writes this map with indefinite length.
  const fields = decodeCbor(payload, 'either', refuseCbor('payload'))
  return fields instanceof Map ? fields : refuse('payload', 'the payload is not a map')
}

function parseModuleId(value: Cbor | undefined): string {
  if (typeof value === 'string' && value.length > 0) return value
  return refuse('module-id', 'module_id is not a text of at least one character')
}

function parseTimestamp(value: Cbor | undefined): number {
  if (typeof value === 'number' && value > 0) return value
  return refuse('timestamp', 'timestamp is not a positive number of milliseconds')
}

function parsePcrs(value: Cbor | undefined): ReadonlyMap<number, Uint8Array> {
  if (!(value instanceof Map) || value.size === 0 || value.size > MAX_PCRS)
    return refuse('pcrs', `pcrs is not a map of 1 to ${MAX_PCRS} registers`)
  const pcrs = new Map<number, Uint8Array>()
  for (const [index, register] of value as CborMap) {
    if (typeof index !== 'number' || index < 0 || index >= MAX_PCRS)
      return refuse('pcrs', `pcrs has a key that is not an index from 0 to ${MAX_PCRS - 1}`)
    pcrs.set(index, byteString(register, 'pcrs', PCR_BYTES, PCR_BYTES))
  }
  return pcrs
}

function parseCabundle(value: Cbor | undefined): readonly Uint8Array[] {
  if (!Array.isArray(value) || value.length === 0)
    return refuse('cabundle', 'cabundle is not a list of at least one certificate')
  return (value as readonly Cbor[]).map((entry) => byteString(entry, 'cabundle', 1, MAX_CERTIFICATE))
}

/** AWS writes null for what the enclave did not ask for, although its text forbids null. */
function optional(value: Cbor | undefined, code: AttestationCode, least: number, most: number): Uint8Array | null {
  return value === undefined || value === null ? null : byteString(value, code, least, most)
}

function byteString(value: Cbor | undefined, code: AttestationCode, least: number, most: number): Uint8Array {
  if (!(value instanceof Uint8Array)) return refuse(code, `expected a byte string (${code})`)
  if (value.length >= least && value.length <= most) return value
  return refuse(code, `expected ${least} to ${most} bytes, found ${value.length} (${code})`)
}

const isTagged = (value: Cbor) => typeof value === 'object' && value !== null && 'tag' in value

function refuse(code: AttestationCode, why: string): never {
  throw new AttestationError(code, why)
}

const refuseCbor =
  (part: string): Fail =>
  (why) =>
    refuse('cbor', `the ${part} is not the CBOR of an attestation document: ${why}`)
