import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { GateError } from './error.ts'

/** Reports and listings are text of some kilobytes; a report with many changes has some megabytes. */
const MAX_INPUT_BYTES = 32 * 1024 * 1024

/** 48 bytes in lower-case hex: a register, or a SHA-384. */
export const sha384Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{96}$/, 'expected 96 digits of lower-case hex'))
export const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 digits of lower-case hex'))
export const commitId = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/, 'expected the 40 digits of a commit'))

export async function readInput(file: string): Promise<string> {
  try {
    const bytes = await readFile(file)
    if (bytes.length <= MAX_INPUT_BYTES) return bytes.toString('utf8')
  } catch (error) {
    throw new GateError('ERR_GATE_INPUT', `${file}: cannot be read`, error)
  }
  throw new GateError('ERR_GATE_INPUT', `${file}: over ${MAX_INPUT_BYTES} bytes; is it the right file?`)
}

/** JSON of one known shape. The message names members, never what they hold. */
export function parseInput<S extends v.GenericSchema>(schema: S, text: string, name: string): v.InferOutput<S> {
  const result = v.safeParse(schema, parseJson(text, name))
  if (result.success) return result.output
  const members = result.issues.map((issue) => v.getDotPath(issue) ?? 'top level')
  throw new GateError('ERR_GATE_INPUT', `${name}: missing or not valid: ${[...new Set(members)].join(', ')}`)
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GateError('ERR_GATE_INPUT', `${name}: not JSON`)
  }
}
