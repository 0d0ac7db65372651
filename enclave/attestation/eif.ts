import { createHash, type Hash, X509Certificate } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Cbor, decodeCbor } from './cbor.ts'
import {
  AT_CRC,
  EifError,
  type Layout,
  type ReadAt,
  readLayout,
  refuse,
  requireLength,
  type Section,
  SECTION_HEADER_BYTES,
} from './eif_layout.ts'

export { EifError, type ReadAt }

/** What an enclave that is started from the file will attest. */
export interface EifMeasurement extends Pick<Layout, 'architecture' | 'sections'> {
  /** In lower-case hex; PCR8 is zero where the image is not signed. */
  readonly pcrs: Readonly<Record<'PCR0' | 'PCR1' | 'PCR2' | 'PCR8', string>>
}

/** All that is held of a file at a time, but for its signature. */
export const PIECE_BYTES = 1024 * 1024
/** A certificate in PEM takes two bytes of CBOR for each of its characters: this is a chain of several. */
const MAX_SIGNATURE_BYTES = 64 * 1024
const PEM_CERTIFICATE = '-----BEGIN CERTIFICATE-----'
const ZERO = new Uint8Array(48)

/**
 * Measures an enclave image file, version 4, as the hypervisor will. Only what the kernel, the command line and the
 * ramdisks hold is measured, each behind the other and without a mark between them, in the order of the file.
 */
export async function measureEif(read: ReadAt, fileSize: number): Promise<EifMeasurement> {
  const { architecture, sections, crc } = await readLayout(read, fileSize)
  const [image, boot, application] = [createHash('sha384'), createHash('sha384'), createHash('sha384')]
  const firstRamdisk = sections.find(({ type }) => type === 'ramdisk')
  const isSigned = sections.some(({ type }) => type === 'signature')
  let signature = new Uint8Array(0)
  let checksum = crc32(await exactly(read, 0, AT_CRC))

  for (const section of sections) {
    checksum = crc32(await exactly(read, section.offset - SECTION_HEADER_BYTES, SECTION_HEADER_BYTES), checksum)
    const hashes = hashesOf(section)
    for (let at = 0; at < section.size; at += PIECE_BYTES) {
      const piece = await exactly(read, section.offset + at, Math.min(PIECE_BYTES, section.size - at))
      checksum = crc32(piece, checksum)
      for (const hash of hashes) hash.update(piece)
      if (section.type === 'signature') signature = keep(piece, section)
    }
  }
  if (checksum !== crc) refuse('crc', 'the checksum is wrong: copy the file again from where it was built')
  const pcrs = {
    PCR0: extended(image),
    PCR1: extended(boot),
    PCR2: extended(application),
    PCR8: isSigned ? extended(createHash('sha384').update(parseSigner(signature))) : ZERO.toHex(),
  }
  return { architecture, sections, pcrs }

  function hashesOf(section: Section): readonly Hash[] {
    switch (section.type) {
      case 'kernel':
      case 'cmdline':
        return [image, boot]
      case 'ramdisk':
        return [image, section === firstRamdisk ? boot : application]
      case 'signature':
      case 'metadata':
        return []
    }
  }
}

/** A register that was zero, extended once. */
function extended(content: Hash): string {
  return createHash('sha384').update(ZERO).update(content.digest()).digest('hex')
}

function keep(piece: Uint8Array, { size }: Section): Uint8Array<ArrayBuffer> {
  if (size > MAX_SIGNATURE_BYTES)
    refuse('signature', `the signature has ${size} bytes; at most ${MAX_SIGNATURE_BYTES} are read`)
  return piece.slice()
}

/**
 * The certificate, in DER, that PCR8 stands for: that of the first signature. Whether the signature holds is for the
 * hypervisor to say, which does not start an image whose signature does not.
 */
function parseSigner(section: Uint8Array): Uint8Array {
  const signatures = decodeCbor(section, 'definite', (why) => refuse('signature', `the signature is not CBOR: ${why}`))
  const first: Cbor | undefined = Array.isArray(signatures) ? signatures[0] : undefined
  if (!(first instanceof Map)) return refuse('signature', 'the signature section has no signature')
  const pem = octets(first.get('signing_certificate'))
  if (pem === undefined || octets(first.get('signature')) === undefined)
    return refuse('signature', 'the signature lacks its certificate or its value')
  if (!pem.includes(PEM_CERTIFICATE)) return refuse('signature', 'the signing certificate is not PEM')
  try {
    return new X509Certificate(pem).raw
  } catch {
    return refuse('signature', 'the signing certificate cannot be read')
  }
}

/** AWS writes bytes as an array of numbers. */
function octets(value: Cbor | undefined): Buffer | undefined {
  if (!Array.isArray(value)) return undefined
  const items: readonly Cbor[] = value
  return items.every(isOctet) ? Buffer.from(items) : undefined
}

const isOctet = (item: Cbor): item is number => typeof item === 'number' && item >= 0 && item <= 0xff

async function exactly(read: ReadAt, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await read(offset, length)
  requireLength(bytes, length)
  return bytes
}
