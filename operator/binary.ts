import { createReadStream } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { InputError, reading } from './inputs.ts'

/** Far above what is read here, so that what is only too long is refused by its own reader, and says so. */
const MAX_BYTES = 1024 * 1024

/** A small binary file, as it is or written in base64. No document and no ciphertext is base64 by itself: both have bytes above 127. */
export async function readBinary(file: string): Promise<Uint8Array> {
  const bytes = await readSmall(file)
  try {
    return Uint8Array.fromBase64(bytes.toString('latin1'))
  } catch {
    return bytes
  }
}

/** The bytes of a file, or of a pipe, that is not larger than what these commands read. */
export async function readSmall(file: string): Promise<Buffer> {
  const bytes = await reading(file, () => buffer(createReadStream(file, { end: MAX_BYTES })))
  if (bytes.length > MAX_BYTES) throw new InputError(`${file}: over 1 MiB, which this never is; is it the right file?`)
  return bytes
}

/** What a file is read as; `problem` says why it is not. */
export function parsed<T>(file: string, problem: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InputError(`${file}: ${problem}`, { cause: error })
  }
}
