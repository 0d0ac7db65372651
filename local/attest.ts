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

/**
 * Asks whoever answers at a port to prove that it is the enclave of this image and configuration: the document must be
 * fresh (our nonce), and speak of the very TLS key that we talk to.
 */
export async function attestIngress(
  port: number,
  expected: { readonly root: Uint8Array; readonly pcr0: string; readonly config: Uint8Array },
): Promise<VerifiedDocument> {
  const nonce = randomBytes(NONCE_BYTES)
  const call = request({
    host: '127.0.0.1',
    port,
    path: `/.well-known/driftseal/attestation?nonce=${nonce.toString('hex')}`,
    rejectUnauthorized: false, // whose certificate it is does not matter: the document says whose key it is
    minVersion: 'TLSv1.3',
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
  const { raw } = (response.socket as TLSSocket).getPeerCertificate() // node:https connects with TLS
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  const userData = Buffer.concat([sha256(key), sha256(expected.config)])
  const { root, pcr0 } = expected
  return verifyDocument(await buffer(response), {
    root,
    pcr0: [pcr0],
    nonce,
    userData,
    at: new Date(),
    maxAgeMs: MAX_AGE_MS,
  })
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
