import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ReadAt } from '../../../enclave/attestation/eif.ts'
import { cbor } from './forge.ts'

/** Enclave images as AWS's builder writes them, and as nobody should: each number of each header can be another. */
export interface SectionSpec {
  readonly type: number
  readonly data: Uint8Array
  readonly flags?: number
  /** The size in its own header and in the table, and its place in the table, where they are not the true ones. */
  readonly ownSize?: number
  readonly tableSize?: bigint
  readonly offset?: number
}

export interface HeaderSpec {
  readonly magic?: string
  readonly version?: number
  readonly flags?: number
  readonly reserved?: number
  readonly unused?: number
  readonly count?: number
  readonly memory?: bigint
  /** A checksum that is not the right one. */
  readonly crc?: number
}

export const [KERNEL, CMDLINE, RAMDISK, SIGNATURE, METADATA] = [1, 2, 3, 4, 5]
export const HEADER_BYTES = 548
const CRC_AT = HEADER_BYTES - 4

export const text = (content: string): Buffer => Buffer.from(content, 'latin1')
export const section = (type: number, data: string | Uint8Array, change: Partial<SectionSpec> = {}): SectionSpec => ({
  type,
  data: typeof data === 'string' ? text(data) : data,
  ...change,
})

export function writeEif(sections: readonly SectionSpec[], header: HeaderSpec = {}): Buffer {
  const front = Buffer.alloc(HEADER_BYTES)
  front.write(header.magic ?? '.eif', 'latin1')
  front.writeUInt16BE(header.version ?? 4, 4)
  front.writeUInt16BE(header.flags ?? 0, 6)
  front.writeBigUInt64BE(header.memory ?? 512n << 20n, 8)
  front.writeBigUInt64BE(2n, 16)
  front.writeUInt16BE(header.reserved ?? 0, 24)
  front.writeUInt16BE(header.count ?? sections.length, 26)
  front.writeUInt32BE(header.unused ?? 0, 540)
  let place = HEADER_BYTES
  for (const [index, { data, offset, tableSize }] of sections.slice(0, 32).entries()) {
    front.writeBigUInt64BE(BigInt(offset ?? place), 28 + index * 8)
    front.writeBigUInt64BE(tableSize ?? BigInt(data.length), 284 + index * 8)
    place += 12 + data.length
  }
  const image = Buffer.concat([front, ...sections.flatMap((spec) => [sectionHeader(spec), spec.data])])
  if (header.crc === undefined) return withCrc(image)
  image.writeUInt32BE(header.crc, CRC_AT)
  return image
}

function sectionHeader({ type, flags = 0, data, ownSize = data.length }: SectionSpec): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(flags, 2)
  header.writeBigUInt64BE(BigInt(ownSize), 4)
  return header
}

/** The image with its checksum put right, as an attacker would. */
export function withCrc(image: Uint8Array): Buffer {
  const copy = Buffer.from(image)
  copy.writeUInt32BE(crc32(copy.subarray(HEADER_BYTES), crc32(copy.subarray(0, CRC_AT))), CRC_AT)
  return copy
}

/** A signature section: bytes are arrays of numbers, as AWS writes them. */
export const signatureOf = (pem: Uint8Array, signature: Uint8Array, change: object = {}): Uint8Array =>
  cbor.encode([new Map(Object.entries({ signing_certificate: [...pem], signature: [...signature], ...change }))])

/** The register of an image's parts: zero, extended once. */
export function registerOf(...parts: readonly Uint8Array[]): string {
  const content = createHash('sha384').update(Buffer.concat(parts)).digest()
  return createHash('sha384').update(Buffer.alloc(48)).update(content).digest('hex')
}

/** A reader of bytes in memory: of fewer than asked for where they end. */
export const readerOf =
  (image: Uint8Array): ReadAt =>
  async (offset, length) =>
    image.subarray(offset, offset + length)
