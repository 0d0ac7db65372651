import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import * as v from 'valibot'
import { EifError, measureEif, PIECE_BYTES, type ReadAt } from '../../enclave/attestation/eif.ts'
import { GateError } from './error.ts'
import { parseInput, sha256Hex, sha384Hex } from './input.ts'

/** `pcr-values.json`: what an enclave started from the image file will attest, and which file that is. */
export type Measurement = v.InferOutput<typeof measurementSchema>

export const REGISTERS = ['pcr0', 'pcr1', 'pcr2', 'pcr8'] as const

const UNSIGNED = '0'.repeat(96)

export const measurementSchema = v.strictObject({
  version: v.literal(1),
  architecture: v.picklist(['x86_64', 'aarch64']),
  pcr0: sha384Hex,
  pcr1: sha384Hex,
  pcr2: sha384Hex,
  /** Of the signing certificate; null where the image is not signed. */
  pcr8: v.nullable(sha384Hex),
  size: v.pipe(v.number(), v.integer(), v.minValue(1)),
  sha256: sha256Hex,
  sha384: sha384Hex,
})

/** What nitro-cli prints; older versions write what they did in front of it. */
const nitroOutput = v.object({
  Measurements: v.object({ PCR0: sha384Hex, PCR1: sha384Hex, PCR2: sha384Hex, PCR8: v.optional(sha384Hex) }),
})

export const parseMeasurement = (text: string, name: string): Measurement => parseInput(measurementSchema, text, name)

/** Measures an enclave image file with our own code: nothing of AWS's is needed, nor believed. */
export async function measureFile(file: string): Promise<Measurement> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    const { architecture, pcrs } = await measureEif(readFrom(handle), size)
    const { PCR0: pcr0, PCR1: pcr1, PCR2: pcr2, PCR8 } = pcrs
    const pcr8 = PCR8 === UNSIGNED ? null : PCR8
    return { version: 1, architecture, pcr0, pcr1, pcr2, pcr8, size, ...(await digests(file)) }
  } catch (error) {
    if (error instanceof EifError)
      throw new GateError('ERR_GATE_MEASUREMENT', `${file}: ${error.code}: ${error.message}`, error)
    throw new GateError('ERR_GATE_INPUT', `${file}: cannot be read`, error)
  }
}

/** Holds our measurement against what nitro-cli said when it built the file. */
export function requireSameAsNitro(ours: Measurement, output: string): void {
  const { Measurements: theirs } = parseInput(nitroOutput, output.slice(output.indexOf('{')), "nitro-cli's output")
  for (const register of REGISTERS) {
    const named = theirs[register.toUpperCase() as Uppercase<typeof register>] // its keys are those of REGISTERS
    if ((named ?? null) !== ours[register])
      throw new GateError('ERR_GATE_MEASUREMENT', `nitro-cli names another ${register.toUpperCase()} than the file has`)
  }
}

async function digests(file: string): Promise<{ sha256: string; sha384: string }> {
  const [sha256, sha384] = [createHash('sha256'), createHash('sha384')]
  for await (const piece of createReadStream(file, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    sha256.update(piece)
    sha384.update(piece)
  }
  return { sha256: sha256.digest('hex'), sha384: sha384.digest('hex') }
}

function readFrom(handle: FileHandle): ReadAt {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  return async (offset, length) => {
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }
}
