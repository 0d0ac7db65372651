import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GateError } from './error.ts'
import { readInput } from './input.ts'
import { ENVELOPE_FILE, REPORT_FILES, type Report } from './provenance.ts'
import { parseSummary, type Summary } from './summary.ts'

export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of REPORT_FILES) await writeFile(join(folder, name), report[name])
}

export async function readReport(folder: string): Promise<Report> {
  const read = async (name: (typeof REPORT_FILES)[number]) => Buffer.from(await readInput(join(folder, name)))
  return {
    'build-summary.json': await read('build-summary.json'),
    'build-summary.md': await read('build-summary.md'),
    'sbom.cdx.json': await read('sbom.cdx.json'),
  }
}

export async function readSummary(folder: string): Promise<Summary> {
  const file = join(folder, 'build-summary.json')
  return parseSummary(await readInput(file), file)
}

export const readEnvelope = (folder: string): Promise<string> => readInput(join(folder, ENVELOPE_FILE))

/** The pinned public half of the key that signs reports. */
export async function readPublicKey(file: string): Promise<KeyObject> {
  try {
    return createPublicKey(await readFile(file))
  } catch (error) {
    throw new GateError('ERR_GATE_INPUT', `${file}: not a public key in PEM`, error)
  }
}
