import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { AttestationError, type Policy, verifyDocument, type VerifiedDocument } from '../enclave/attestation/verify.ts'

const TIMEOUT_MS = 10_000
const NONCE_BYTES = 32
const MAX_AGE_MS = 60_000
/** Of a document or a certificate; whoever answers may be anyone. */
const MAX_ANSWER_BYTES = 64 * 1024
const DIGEST_BYTES = 32
const OK = 200
const NOT_FOUND = 404

export interface Expected extends Pick<Policy, 'root' | 'pcr0'> {
  /** The measured configuration; without it, its digest is told and not checked: PCR0 speaks for it. */
  readonly config?: Uint8Array
}

/** What a document that holds says of the enclave. */
export interface Attested {
  readonly document: VerifiedDocument
  /** SHA-256 of the TLS key that was spoken to, and of the configuration in force; both are bound. */
  readonly tlsKey: Uint8Array
  readonly config: Uint8Array
  /** Its CA certificate in PEM, the one to register as a trust anchor; none in host mode. */
  readonly authority: string | undefined
}

/** Nobody answers there, or not what an enclave would. */
export class EndpointError extends Error {
  readonly code = 'ERR_ENDPOINT'
}

/**
 * Asks whoever answers at an address to prove that it is an enclave of one of these images: the document must be fresh
 * (our nonce), and speak of the very TLS key that we talk to and of the CA certificate that we were given.
 */
export async function attestEndpoint(url: URL, expected: Expected): Promise<Attested> {
  const ca = await get(url, 'ca.pem')
  if (ca.status !== OK && ca.status !== NOT_FOUND)
    throw new EndpointError(`${url.host} answered ${ca.status} for its CA`)
  const authority = ca.status === OK ? ca.body.toString('latin1') : undefined
  const nonce = randomBytes(NONCE_BYTES)
  const { status, body, tlsKey } = await get(url, `attestation?nonce=${nonce.toString('hex')}`)
  if (status !== OK) throw new EndpointError(`${url.host} answered ${status} instead of an attestation document`)
  const { root, pcr0, config } = expected
  const document = verifyDocument(body, { root, pcr0, nonce, at: new Date(), maxAgeMs: MAX_AGE_MS })
  const { userData } = document
  const parts = [
    sha256(tlsKey),
    config === undefined ? userData?.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES) : sha256(config),
    authority === undefined ? new Uint8Array(0) : sha256(certificateIn(authority)),
  ].map((part) => part ?? new Uint8Array(0))
  // Whole: with a CA there are 96 bytes, without one 64, and neither passes for the other.
  if (userData === null || parts[1]?.length !== DIGEST_BYTES || Buffer.compare(userData, Buffer.concat(parts)) !== 0)
    throw new AttestationError(
      'user-data-mismatch',
      "the document's user-data does not bind the TLS key, the configuration and the CA certificate that are here",
    )
  return { document, tlsKey: sha256(tlsKey), config: userData.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES), authority }
}

async function get(url: URL, name: string): Promise<{ status: number; body: Buffer; tlsKey: Uint8Array }> {
  const { hostname, port } = url
  try {
    const call = request({
      host: hostname.replaceAll(/^\[|\]$/g, ''),
      port: port === '' ? 443 : Number(port),
      path: `/.well-known/driftseal/${name}`,
      rejectUnauthorized: false, // whose certificate it is does not matter: the document says whose key it is
      minVersion: 'TLSv1.3',
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).end()
    const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
    const { raw } = (response.socket as TLSSocket).getPeerCertificate() // node:https connects with TLS
    const tlsKey = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
    return { status: response.statusCode ?? 0, body: await bodyOf(response), tlsKey }
  } catch (error) {
    if (error instanceof EndpointError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new EndpointError(`no enclave answers at ${url.host} (${code})`, { cause: error })
  }
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > MAX_ANSWER_BYTES) throw new EndpointError('the answer is larger than a document ever is')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function certificateIn(pem: string): Uint8Array {
  try {
    return new X509Certificate(pem).raw
  } catch (error) {
    throw new AttestationError('user-data-mismatch', 'what is served as its CA is no certificate', error)
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
