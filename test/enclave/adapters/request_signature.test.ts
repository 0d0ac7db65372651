import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signRequest } from '../../../enclave/adapters/request_signature.ts'

/** The key of RFC 6979, A.2.5. */
const key = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    d: Buffer.from('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721', 'hex').toString('base64url'),
    x: Buffer.from('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6', 'hex').toString('base64url'),
    y: Buffer.from('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299', 'hex').toString('base64url'),
  },
})
const signer = { certificate: Buffer.from('a certificate'), serial: 0x4000_0000_0000_0000_0000_0000_0000_0001n, key }
const request = {
  host: 'rolesanywhere.us-east-1.amazonaws.com',
  path: '/sessions',
  body: Buffer.from('{"durationSeconds":3600}'),
}
const headers = signRequest(request, signer, { region: 'us-east-1', at: Date.parse('2026-11-21T12:34:56.789Z') })

// Written by hand after "The IAM Roles Anywhere authentication signing process".
const CANONICAL = `POST
/sessions

content-type:application/json
host:rolesanywhere.us-east-1.amazonaws.com
x-amz-date:20261121T123456Z
x-amz-x509:YSBjZXJ0aWZpY2F0ZQ==

content-type;host;x-amz-date;x-amz-x509
1a15f67f6619aa540b13e9a4c37d149fb2c9bdea25d82b73a3878826694dfe27`
const CANONICAL_SHA256 = '7a394d7c2ea23af4cbc97d5af39a336b4da4c6c761eff79a8575a9550033bee6'
const SCOPE = '20261121/us-east-1/rolesanywhere/aws4_request'

describe('a signed request', () => {
  it('has exactly these headers', () => {
    const { authorization, ...rest } = headers
    expect(rest).toEqual({
      'content-type': 'application/json',
      host: 'rolesanywhere.us-east-1.amazonaws.com',
      'x-amz-date': '20261121T123456Z',
      'x-amz-x509': 'YSBjZXJ0aWZpY2F0ZQ==',
    })
    expect(authorization).toMatch(
      /^AWS4-X509-ECDSA-SHA256 Credential=85070591730234615865843651857942052865\/20261121\/us-east-1\/rolesanywhere\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-x509, Signature=30[0-9a-f]{130,142}$/,
    )
  })

  it('is signed in DER over the string to sign', () => {
    expect(createHash('sha256').update(CANONICAL).digest('hex')).toBe(CANONICAL_SHA256)
    const text = `AWS4-X509-ECDSA-SHA256\n20261121T123456Z\n${SCOPE}\n${CANONICAL_SHA256}`
    const signature = Buffer.from(headers['authorization']?.split('Signature=')[1] ?? '', 'hex')
    expect(verify('sha256', Buffer.from(text), createPublicKey(key), signature)).toBe(true)
  })

  it('signs the body', () => {
    const other = signRequest({ ...request, body: Buffer.from('{}') }, signer, {
      region: 'us-east-1',
      at: Date.parse('2026-11-21T12:34:56Z'),
    })
    const text = `AWS4-X509-ECDSA-SHA256\n20261121T123456Z\n${SCOPE}\n${CANONICAL_SHA256}`
    const signature = Buffer.from(other['authorization']?.split('Signature=')[1] ?? '', 'hex')
    expect(verify('sha256', Buffer.from(text), createPublicKey(key), signature)).toBe(false)
  })
})
