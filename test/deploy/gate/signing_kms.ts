import { createECDH, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import * as v from 'valibot'
import { AwsError, base64, blob, jsonService, operation } from '../../../local/aws/protocol.ts'
import { listening } from '../../operator/child.ts'

/** The alias of the signing key, and the key. */
export const SIGNING_KEY = 'alias/driftseal-production-signing'
export const SIGNING_KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/0f8fad5b-d9cb-469f-a165-70867728950e'

/** The order of P-256's group. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const input = v.object({
  KeyId: v.string(),
  Message: blob(32),
  MessageType: v.literal('DIGEST'),
  SigningAlgorithm: v.literal('ECDSA_SHA_256'),
})

/** A KMS that signs by one key for as long as the test runs, unless it refuses. Answers where it is. */
export async function startSigningKms(key: KeyObject, refusal?: AwsError): Promise<string> {
  const sign = operation(input, ({ KeyId, Message, SigningAlgorithm }) => {
    if (refusal !== undefined) throw refusal
    if (KeyId !== SIGNING_KEY) throw new AwsError('NotFoundException', `no key ${KeyId}`)
    return { KeyId: SIGNING_KEY_ARN, Signature: base64(signDigest(key, Message)), SigningAlgorithm }
  })
  return listening(createServer(jsonService('TrentService', new Map([['Sign', sign]]))))
}

/** ECDSA over a digest that somebody else made, which Node's own functions do not do; the point is made by its ECDH. */
function signDigest(key: KeyObject, digest: Uint8Array): Uint8Array {
  const d = number(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const ephemeral = createECDH('prime256v1')
  const r = number(ephemeral.generateKeys().subarray(1, 33)) % N
  const s = (inverse(number(ephemeral.getPrivateKey())) * (number(digest) + r * d)) % N
  const body = Buffer.concat([derInteger(r), derInteger(s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

function inverse(value: bigint): bigint {
  let result = 1n
  let base = value % N
  for (let exponent = N - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent % 2n === 1n) result = (result * base) % N
    base = (base * base) % N
  }
  return result
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
  return Buffer.concat([Buffer.of(2, positive.length), positive])
}
