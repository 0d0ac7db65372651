import { crc32, deflateRawSync } from 'node:zlib'

/** The first moment that the format can say: two archives of the same files are equal. */
const DOS_DATE = 0x21
const VERSION = 20
const UNIX = 3 << 8
const DEFLATED = 8
const REGULAR_FILE = 0o100_644

export interface File {
  /** ASCII. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** A ZIP archive (APPNOTE 4.3): local headers with their data, the directory, its end. */
export function zip(files: readonly File[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, bytes } of files) {
    const data = deflateRawSync(bytes)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(VERSION, 0)
    about.writeUInt16LE(DEFLATED, 4)
    about.writeUInt16LE(DOS_DATE, 8)
    about.writeUInt32LE(crc32(bytes), 10)
    about.writeUInt32LE(data.length, 14)
    about.writeUInt32LE(bytes.length, 18)
    about.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), about, Buffer.from(name, 'latin1'), data])
    parts.push(local)

    const madeBy = Buffer.alloc(2)
    madeBy.writeUInt16LE(UNIX | VERSION, 0)
    const place = Buffer.alloc(14)
    place.writeUInt32LE((REGULAR_FILE << 16) >>> 0, 6)
    place.writeUInt32LE(at, 10)
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), madeBy, about, place, Buffer.from(name, 'latin1')]),
    )
    at += local.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(listing.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...parts, listing, Buffer.from('PK\x05\x06', 'latin1'), end])
}
