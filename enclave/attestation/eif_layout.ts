/** Which check of an enclave image file did not hold. */
export type EifCode =
  // the header
  | 'truncated'
  | 'magic'
  | 'version'
  | 'flags'
  | 'reserved'
  | 'section-count'
  // the sections, as the header's table and their own headers describe them
  | 'section-offset'
  | 'tail'
  | 'section-size'
  | 'section-type'
  | 'section-flags'
  | 'section-missing'
  | 'section-repeated'
  // what they hold
  | 'crc'
  | 'signature'

/** An enclave image file that has no measurement, because its readers would not agree on what it holds. */
export class EifError extends Error {
  readonly code: EifCode
  constructor(code: EifCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Bytes from a place in the file: fewer than asked for only at its end, and the caller's only until the next call. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** The numbers that the format gives to its kinds of section. */
const TYPES = new Map([
  [1, 'kernel'],
  [2, 'cmdline'],
  [3, 'ramdisk'],
  [4, 'signature'],
  [5, 'metadata'],
] as const)
type SectionType = typeof TYPES extends Map<number, infer Name> ? Name : never

export interface Section {
  readonly type: SectionType
  /** Where its data begin, behind its own header. */
  readonly offset: number
  readonly size: number
}

/** What a file says of itself; its data are not read yet. */
export interface Layout {
  readonly architecture: 'x86_64' | 'aarch64'
  readonly sections: readonly Section[]
  /** The file's own checksum. */
  readonly crc: number
}

const MAGIC = '.eif'
/** Versions 2 and 3 come from builders that are no longer kept, and QEMU refuses them too: better built anew than guessed at. */
const VERSION = 4
const ARM64 = 0x1
const MAX_SECTIONS = 32

// Where the header's fields are: all of them big-endian.
const AT_VERSION = 4
const AT_FLAGS = 6
const AT_RESERVED = 24
const AT_COUNT = 26
const AT_OFFSETS = 28
const AT_SIZES = AT_OFFSETS + MAX_SECTIONS * 8
const AT_UNUSED = AT_SIZES + MAX_SECTIONS * 8
/** The checksum is over everything but itself. */
export const AT_CRC = AT_UNUSED + 4
const HEADER_BYTES = AT_CRC + 4
export const SECTION_HEADER_BYTES = 12

/**
 * Reads the headers. AWS's reader walks from section to section, QEMU seeks to where the table in the header points: a
 * file that the two would read differently could measure to one image and start another, so both must say the same.
 */
export async function readLayout(read: ReadAt, fileSize: number): Promise<Layout> {
  const { architecture, crc, table } = parseHeader(await read(0, HEADER_BYTES), fileSize)
  const sections: Section[] = []
  for (const { offset, size } of table) {
    const type = parseSectionHeader(await read(offset, SECTION_HEADER_BYTES), size, sections.length)
    sections.push({ type, offset: offset + SECTION_HEADER_BYTES, size })
  }
  requireSet(sections)
  return { architecture, sections, crc }
}

type Entry = Pick<Section, 'offset' | 'size'>

function parseHeader(bytes: Uint8Array, fileSize: number): Omit<Layout, 'sections'> & { table: readonly Entry[] } {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) refuse('magic', 'not an enclave image: it begins otherwise')
  requireLength(header, HEADER_BYTES)
  const version = header.readUInt16BE(AT_VERSION)
  if (version !== VERSION)
    refuse('version', `EIF version ${version}; only ${VERSION} is measured: build it with a present nitro-cli`)
  const flags = header.readUInt16BE(AT_FLAGS)
  if ((flags & ~ARM64) !== 0) refuse('flags', 'the header has a flag besides that for the architecture')
  if (header.readUInt16BE(AT_RESERVED) !== 0 || header.readUInt32BE(AT_UNUSED) !== 0)
    refuse('reserved', 'the header has something where nothing may be')
  return {
    architecture: flags === ARM64 ? 'aarch64' : 'x86_64',
    crc: header.readUInt32BE(AT_CRC),
    table: parseTable(header, fileSize),
  }
}

/** The sections follow one another from the header to the end of the file, in the order of the table. */
function parseTable(header: Buffer, fileSize: number): readonly Entry[] {
  const count = header.readUInt16BE(AT_COUNT)
  if (count === 0 || count > MAX_SECTIONS)
    refuse('section-count', `the header names ${count} sections; 1 to ${MAX_SECTIONS} are possible`)
  const table: Entry[] = []
  let next = HEADER_BYTES
  for (let index = 0; index < MAX_SECTIONS; index++) {
    const offset = header.readBigUInt64BE(AT_OFFSETS + index * 8)
    const size = header.readBigUInt64BE(AT_SIZES + index * 8)
    if (index >= count) {
      if (offset !== 0n || size !== 0n) refuse('section-count', `the table has an entry beyond its ${count} sections`)
      continue
    }
    if (offset !== BigInt(next)) refuse('section-offset', `section ${index} is at ${offset}, and ${next} comes next`)
    if (size > fileSize - next - SECTION_HEADER_BYTES) refuse('truncated', `section ${index} ends behind the file`)
    table.push({ offset: next, size: Number(size) })
    next += SECTION_HEADER_BYTES + Number(size)
  }
  if (next !== fileSize) refuse('tail', `${fileSize - next} bytes follow the last section`)
  return table
}

function parseSectionHeader(bytes: Uint8Array, size: number, index: number): SectionType {
  requireLength(bytes, SECTION_HEADER_BYTES)
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const type = TYPES.get(header.readUInt16BE(0) as Parameters<typeof TYPES.get>[0]) // a look-up of any number is safe
  if (type === undefined) return refuse('section-type', `section ${index} is of a kind that version ${VERSION} has not`)
  if (header.readUInt16BE(2) !== 0) refuse('section-flags', `section ${index} has flags; none are defined`)
  const own = header.readBigUInt64BE(4)
  if (own !== BigInt(size)) refuse('section-size', `section ${index} has ${own} bytes, and ${size} in the table`)
  return type
}

function requireSet(sections: readonly Section[]): void {
  const count = (type: SectionType) => sections.filter((section) => section.type === type).length
  for (const type of ['kernel', 'cmdline', 'ramdisk'] as const)
    if (count(type) === 0) refuse('section-missing', `the image has no ${type}`)
  for (const type of ['kernel', 'cmdline', 'signature', 'metadata'] as const)
    if (count(type) > 1) refuse('section-repeated', `the image has more than one ${type}`)
}

/** Also when the file has become shorter since its size was taken. */
export function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) refuse('truncated', 'the file ends too early: copy it again from where it was built')
}

export function refuse(code: EifCode, why: string): never {
  throw new EifError(code, why)
}
