import { type KeyObject, verify } from 'node:crypto'
import * as v from 'valibot'
import { GateError } from './error.ts'
import { parseInput } from './input.ts'

/** DSSE 1.0: a payload with its type, and signatures over both. */
export type Envelope = v.InferOutput<typeof envelopeSchema>

/** Signs bytes with ECDSA on P-256 and SHA-256, DER form; `keyId` says with which key. */
export type Sign = (message: Uint8Array) => Promise<{ readonly signature: Uint8Array; readonly keyId: string }>

const base64 = v.pipe(v.string(), v.nonEmpty(), v.base64())
const envelopeSchema = v.strictObject({
  payloadType: v.string(),
  payload: base64,
  signatures: v.strictTuple([v.strictObject({ keyid: v.string(), sig: base64 })]),
})

/** Pre-authentication encoding, of the protocol's section "Signature Definition". */
export function preAuthentication(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

export async function seal(payloadType: string, payload: Uint8Array, sign: Sign): Promise<Envelope> {
  const { signature, keyId } = await sign(preAuthentication(payloadType, payload))
  return { payloadType, payload: payload.toBase64(), signatures: [{ keyid: keyId, sig: signature.toBase64() }] }
}

/** The payload, once the signature holds. Which key counts is the caller's to say: `keyid` is anyone's word. */
export function open(text: string, payloadType: string, key: KeyObject): Uint8Array {
  const { payload, signatures, ...envelope } = parseInput(envelopeSchema, text, 'the envelope')
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new GateError('ERR_GATE_SIGNATURE', 'the pinned key is not on P-256: take the public half of the signing key')
  const bytes = Buffer.from(payload, 'base64')
  const [{ sig }] = signatures
  const signed = preAuthentication(envelope.payloadType, bytes)
  if (envelope.payloadType !== payloadType || !verify('sha256', signed, key, Buffer.from(sig, 'base64')))
    throw new GateError('ERR_GATE_SIGNATURE', 'the signature is not one of the pinned key over this report')
  return bytes
}
