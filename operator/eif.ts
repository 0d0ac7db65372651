import { Command } from 'commander'
import { type FileHandle, open } from 'node:fs/promises'
import { EifError, type EifMeasurement, measureEif, PIECE_BYTES, type ReadAt } from '../enclave/attestation/eif.ts'
import { type Row, table } from './document_text.ts'
import { reading } from './inputs.ts'
import type { Terminal } from './replay_command.ts'
import { verdict } from './verdict.ts'

const REFUSED = 3
/** Half a second's work: what takes longer shows how far it is. */
const PROGRESS_FROM_BYTES = 128 * 1024 * 1024

type Exit = (code: number) => void

/** `driftseal eif`: enclave image files. */
export function eifCommand(terminal: Terminal, exit: Exit): Command {
  const measure = new Command('measure')
    .description('Compute the PCRs that an enclave will have which is started from an image file')
    .argument('<file>', 'the enclave image file (.eif, version 4)')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExit code: 0 measured, 3 not a sound image (the message names the check), 1 error.')
    .action(async (file: string, { json }: { json?: true }) => exit(await run(file, json === true, terminal)))
  return new Command('eif').description('Look into enclave image files').addCommand(measure)
}

async function run(file: string, json: boolean, terminal: Terminal): Promise<number> {
  await using handle = await reading(file, () => open(file))
  const { size } = await reading(file, () => handle.stat())
  try {
    const measurement = await measureEif(progress(readFrom(file, handle), size, terminal), size)
    if (json) terminal.out(JSON.stringify({ size, version: 4, ...measurement }))
    else for (const line of person(file, size, measurement, terminal)) terminal.out(line)
    return 0
  } catch (error) {
    if (!(error instanceof EifError)) throw error
    terminal.err(`refused: ${error.code}: ${error.message}\n`)
    return REFUSED
  }
}

/** Positioned reads into one buffer. */
function readFrom(file: string, handle: FileHandle): ReadAt {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  return async (offset, length) => {
    let filled = 0
    while (filled < length) {
      const part = { offset: filled, length: length - filled, position: offset + filled }
      const { bytesRead } = await reading(file, () => handle.read(buffer, part))
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }
}

function progress(read: ReadAt, size: number, terminal: Terminal): ReadAt {
  if (!terminal.live || size < PROGRESS_FROM_BYTES) return read
  let shown = -1
  return async (offset, length) => {
    const percent = Math.floor((offset / size) * 100)
    if (percent > shown) terminal.err(`\rmeasuring: ${percent} %`)
    shown = Math.max(shown, percent)
    const bytes = await read(offset, length)
    if (offset + length >= size) terminal.err('\r\u001B[K')
    return bytes
  }
}

function person(file: string, size: number, measurement: EifMeasurement, terminal: Terminal): readonly string[] {
  const { architecture, sections, pcrs } = measurement
  const rows = [
    ['image', `${number(size)} bytes, version 4, ${architecture}`],
    ...sections.map(({ type, size: bytes }) => [type, `${number(bytes)} bytes`] as const),
    ...Object.entries(pcrs).map(([name, value]) => [name, value] as const),
    ...(sections.some(({ type }) => type === 'signature') ? [] : [['', 'not signed, so PCR8 will be zero'] as const]),
  ] satisfies readonly Row[]
  return [verdict('MEASURED', file, terminal), ...table(rows)]
}

const number = (count: number): string => count.toLocaleString('en')
