import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip, gunzipSync } from 'node:zlib'
import { EventError, parseMessage, unwrap } from '../enclave/core/cloudtrail.ts'
import { isObject, type Json } from '../enclave/core/json.ts'
import { scanLog, UnreadRecord } from '../enclave/core/log_file.ts'
import { parseState, type State } from '../enclave/core/state.ts'

/** A CloudTrail log file is a few megabytes; V8 ends a string at 512 Mi characters. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
/** Each goes through the thread pool: small ones would wait there longer than they work. */
const CHUNK_BYTES = 1 << 20
const SIZE_BYTES = 4
const EVENT_FILE = /\.(?:json|ndjson|jsonl)(?:\.gz)?$/
const LINES = /\.(?:ndjson|jsonl)(?:\.gz)?$/

/** A record as it was read, or why there is none in its place. */
export type AuditRecord = Json | UnreadRecord | EventError

/** A file or folder that cannot be used. */
export class InputError extends Error {
  readonly code = 'ERR_INPUT'
}

/** Reads states from files and folders. Of several serials of one lineage the highest counts, and `say` tells so. */
export async function readStates(paths: readonly string[], say: (line: string) => void): Promise<readonly State[]> {
  const files = await filesIn(paths, (name) => name.endsWith('.tfstate') && !name.split(sep).includes('.terraform'))
  if (files.length === 0) throw new InputError(`no *.tfstate file in ${paths.join(', ')}`)
  const newest = new Map<string, State>()
  for (const file of files) {
    const state = parseState(await reading(file, () => readFile(file)), file)
    const lineage = state.lineage || file
    const other = newest.get(lineage)
    if (other === undefined) newest.set(lineage, state)
    else {
      const [used, left] = state.serial > other.serial ? [state, other] : [other, state]
      say(`${left.name}: serial ${left.serial} is left out; ${used.name} has serial ${used.serial} of the same lineage`)
      newest.set(lineage, used)
    }
  }
  return [...newest.values()]
}

/** A file of text, whole. */
export const readText = (path: string): Promise<string> => reading(path, () => readFile(path, 'utf8'))

/**
 * The audit records in files and folders, unparsed, some at a time; an error stands in the place of a line that is none.
 * An unread record has to be read before more are asked for.
 */
export async function* readRecords(paths: readonly string[]): AsyncGenerator<readonly AuditRecord[]> {
  const files = await filesIn(paths, (name) => EVENT_FILE.test(name))
  if (files.length === 0) throw new InputError(`no .json, .ndjson or .jsonl file (also .gz) in ${paths.join(', ')}`)
  for (const file of files) {
    if (LINES.test(file)) yield* linesOf(file)
    else yield* documentOf(file)
  }
}

async function* linesOf(file: string): AsyncGenerator<readonly AuditRecord[]> {
  let rest = ''
  for await (const text of textOf(file)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield lines.flatMap(recordsIn)
  }
  yield recordsIn(rest)
}

function recordsIn(line: string): readonly (Json | EventError)[] {
  if (line.trim() === '') return []
  try {
    return parseMessage(line)
  } catch (error) {
    if (error instanceof EventError) return [error]
    throw error
  }
}

async function* documentOf(file: string): AsyncGenerator<readonly AuditRecord[]> {
  const plain = await reading(file, async () => {
    if ((await stat(file)).size > MAX_DOCUMENT_BYTES) throw tooLarge(file)
    const bytes = await readFile(file)
    return file.endsWith('.gz') ? unpacked(bytes) : bytes
  })
  const records = await reading(file, () => scanLog(plain) ?? recordsOf(plain))
  if (records === undefined) yield* linesOf(file)
  else yield inOrder(records)
  // Left to the collector, a few of these would make it walk the whole heap, catalog and states, again and again.
  plain.buffer.transfer(0)
}

/** Nothing of lines, which are often called .json too: the first is a document by itself. */
function recordsOf(plain: Buffer): readonly Json[] | undefined {
  const text = new TextDecoder().decode(plain) // without the mark that some put in front
  try {
    return unwrap(JSON.parse(text) as Json)
  } catch (error) {
    if (!(error instanceof SyntaxError) || !text.includes('\n')) throw error
    JSON.parse(text.slice(0, text.indexOf('\n')))
    return undefined
  }
}

/** CloudTrail does not order the records of a file; what came first has to be judged first. */
function inOrder(records: readonly (Json | UnreadRecord)[]): readonly (Json | UnreadRecord)[] {
  const timed = records.map((record) => ({ record, time: timeOf(record) }))
  timed.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
  return timed.map(({ record }) => record)
}

/** A piece of the size that the last four bytes promise (RFC 1952, 2.3.1) takes all, and then none has to be joined. */
function unpacked(bytes: Buffer): Buffer<ArrayBuffer> {
  const promised = bytes.length < SIZE_BYTES ? 0 : bytes.readUInt32LE(bytes.length - SIZE_BYTES)
  const chunkSize = Math.min(Math.max(promised + 1, CHUNK_BYTES), MAX_DOCUMENT_BYTES)
  return gunzipSync(bytes, { maxOutputLength: MAX_DOCUMENT_BYTES, chunkSize })
}

function timeOf(record: Json | UnreadRecord): string {
  const fields = record instanceof UnreadRecord ? record.glance : record
  const time = isObject(fields) ? fields['eventTime'] : undefined
  return typeof time === 'string' ? time : ''
}

async function* textOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file, { highWaterMark: CHUNK_BYTES })
  // The stream's own iteration throws what the pipeline ends with.
  const plain = file.endsWith('.gz') ? pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : bytes
  try {
    for await (const text of plain.setEncoding('utf8')) yield String(text)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Files as they are named; of a folder those that `isWanted`, in the order of their names. */
export async function filesIn(
  paths: readonly string[],
  isWanted: (name: string) => boolean,
): Promise<readonly string[]> {
  const found = paths.map(async (path) => {
    const isFolder = (await reading(path, () => stat(path))).isDirectory()
    if (!isFolder) return [path]
    return (await readdir(path, { recursive: true }))
      .filter(isWanted)
      .sort()
      .map((name) => join(path, name))
  })
  return (await Promise.all(found)).flat()
}

export async function reading<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw unreadable(path, error)
  }
}

const tooLarge = (file: string): InputError =>
  new InputError(`${file}: too large; give it as NDJSON, which is read in parts`)

/** Node's and zlib's codes say what is wrong without quoting what the file holds. */
function unreadable(path: string, error: unknown): InputError {
  if (error instanceof InputError) return error
  if (error instanceof SyntaxError) return new InputError(`${path}: not JSON`)
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(path)
  const what = code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${code})`
  return new InputError(`${path}: ${what}`, { cause: error })
}
