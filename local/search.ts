import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const MIN_NEEDLE = 6

export interface Search {
  readonly files: number
  readonly bytes: number
  readonly needles: number
  /** Where something was found that should not be there. */
  readonly hits: readonly string[]
}

/** Looks for any of these values, as text, within JSON, in hex or in base64, in everything below a folder. */
export async function searchPlaintext(folder: string, values: readonly (string | Uint8Array)[]): Promise<Search> {
  const needles = [...new Set(values.flatMap(formsOf))]
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hits: string[] = []
  let bytes = 0
  for (const path of paths) {
    const content = await readFile(path, 'latin1').catch(ifGone)
    bytes += content.length
    if (needles.some((needle) => content.includes(needle) || path.includes(needle))) hits.push(path)
  }
  return { files: paths.length, bytes, needles: needles.length, hits }
}

/** The parent works on while we look: what it replaces in between is listed and then gone. */
function ifGone(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

/** Every string in a JSON document that is long enough to be told from chance. */
export function stringsOf(json: string): readonly string[] {
  const found: string[] = []
  JSON.parse(json, (_key, value: unknown) => {
    if (typeof value === 'string' && value.length >= MIN_NEEDLE) found.push(value)
    return value
  })
  return found
}

function formsOf(value: string | Uint8Array): readonly string[] {
  const bytes = Buffer.from(value as Uint8Array)
  const escaped = typeof value === 'string' ? [Buffer.from(JSON.stringify(value).slice(1, -1))] : []
  const texts = [bytes, ...escaped].map((text) => text.toString('latin1'))
  const base64 = [0, 1, 2].map((shift) => base64At(shift, bytes))
  return [...texts, bytes.toString('hex'), ...base64].filter((form) => form.length >= MIN_NEEDLE)
}

/** Base64 of a part of a longer text begins at one of three places; a character shared with a neighbour is cut off. */
function base64At(shift: number, bytes: Uint8Array): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6))
}
