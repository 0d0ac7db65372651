import { type KeyObject, sign } from 'node:crypto'
import { Encoder } from 'cbor-x'
import { toBeSigned } from '../../enclave/attestation/document.ts'

export type Field = readonly [name: string, value: unknown]

const ES384_HEADER = Uint8Array.of(0xa1, 0x01, 0x38, 0x22)
const MAP_OF_INDEFINITE_LENGTH = 0xbf
const BREAK = 0xff

/** CBOR as the device and COSE expect it: maps and byte strings without cbor-x's own tags, heads as short as they go. */
export const cbor = new Encoder({
  useRecords: false,
  tagUint8Array: false,
  variableMapSize: true,
  mapsAsObjects: false,
})

/** The payload map as hardware has written it since 2026: of indefinite length, its inner maps of definite length. */
export function encodePayload(fields: readonly Field[]): Uint8Array {
  const entries = fields.flatMap(([name, value]) => [cbor.encode(name), cbor.encode(value)])
  return Buffer.concat([Uint8Array.of(MAP_OF_INDEFINITE_LENGTH), ...entries, Uint8Array.of(BREAK)])
}

/** An untagged COSE_Sign1 with ES384, as the device answers it. */
export function signDocument(payload: Uint8Array, key: KeyObject): Uint8Array {
  const signature = sign('sha384', toBeSigned(payload), { key, dsaEncoding: 'ieee-p1363' })
  return cbor.encode([ES384_HEADER, new Map(), payload, signature])
}
