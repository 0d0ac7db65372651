import { createECDH, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KMSClient } from '@aws-sdk/client-kms'
import * as v from 'valibot'
import { base64, blob, jsonService, operation } from '../../../local/aws/protocol.ts'

/** The order of P-256's group. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A client of a KMS that signs by one key. */
export async function signingKms(key: KeyObject, keyArn: string): Promise<{ kms: KMSClient; server: Server }> {
  const input = v.object({
    KeyId: v.string(),
    Message: blob(32),
    MessageType: v.literal('DIGEST'),
    SigningAlgorithm: v.literal('ECDSA_SHA_256'),
  })
  const sign = operation(input, ({ Message, SigningAlgorithm }) => ({
    KeyId: keyArn,
    Signature: base64(signDigest(key, Message)),
    SigningAlgorithm,
  }))
  const server = createServer(jsonService('TrentService', new Map([['Sign', sign]])))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  const kms = new KMSClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example-secret-key' },
  })
  return { kms, server }
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
