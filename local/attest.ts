import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { verifyDocument, type VerifiedDocument } from '../enclave/attestation/verify.ts'

const TIMEOUT_MS = 5_000
const NONCE_BYTES = 32
const MAX_AGE_MS = 60_000
const OK = 200

/** What a document that holds says of the enclave. */
export interface Attested {
  readonly document: VerifiedDocument
  /** Its CA certificate in PEM, the one to register as a trust anchor; none in host mode. */
  readonly authority: string | undefined
}

/**
 * Asks whoever answers at a port to prove that it is the enclave of this image and configuration: the document must be
 * fresh (our nonce), and speak of the very TLS key that we talk to and of the CA certificate that we were given.
 */
export async function attestIngress(
  port: number,
  expected: { readonly root: Uint8Array; readonly pcr0: string; readonly config: Uint8Array },
): Promise<Attested> {
  const ca = await get(port, 'ca.pem')
  const authority = ca.status === OK ? ca.body.toString() : undefined
  const nonce = randomBytes(NONCE_BYTES)
  const { body, tlsKey } = await get(port, `attestation?nonce=${nonce.toString('hex')}`)
  const bound = [tlsKey, expected.config, ...(authority === undefined ? [] : [new X509Certificate(authority).raw])]
  const { root, pcr0 } = expected
  const document = verifyDocument(body, {
    root,
    pcr0: [pcr0],
    nonce,
    userData: Buffer.concat(bound.map((bytes) => createHash('sha256').update(bytes).digest())),
    at: new Date(),
    maxAgeMs: MAX_AGE_MS,
  })
  return { document, authority }
}

async function get(port: number, name: string): Promise<{ status: number; body: Buffer; tlsKey: Uint8Array }> {
  const call = request({
    host: '127.0.0.1',
    port,
    path: `/.well-known/driftseal/${name}`,
    rejectUnauthorized: false, // whose certificate it is does not matter: the document says whose key it is
    minVersion: 'TLSv1.3',
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
  const { raw } = (response.socket as TLSSocket).getPeerCertificate() // node:https connects with TLS
  const tlsKey = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  return { status: response.statusCode ?? 0, body: await buffer(response), tlsKey }
}
