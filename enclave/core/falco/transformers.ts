import type { Found } from './fields.ts'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Transformers of one text into another; `undefined` where it is none of theirs. */
export const TEXT_TRANSFORMERS = {
  tolower: (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
  toupper: (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
  basename: (text: string): string => text.slice(text.lastIndexOf('/') + 1),
  b64: decoded,
} as const

/** Padding is optional, as upstream has it. */
function decoded(text: string): string | undefined {
  const bare = text.replace(/={0,2}$/, '')
  if (!BASE64.test(text) || bare.length % 4 === 1) return undefined
  return new TextDecoder().decode(Uint8Array.fromBase64(bare))
}

export const joined = (separator: Found, list: Found): string | undefined =>
  separator === undefined || typeof list !== 'object' ? undefined : list.join(String(separator))

export const concatenated = (values: readonly Found[]): string | undefined =>
  values.some((value) => value === undefined) ? undefined : values.join('')

/** One option of a command line, and what it adds to the list of all. */
interface Option {
  readonly letter: string
  readonly found: readonly [string, ...string[]]
}

/**
 * The options in a command line as getopt(3) reads them: each letter, behind it its value. With a `wanted` letter, the last
 * value of that option, or the letter itself where it takes none.
 */
export function options(line: Found, letters: Found, wanted: string | undefined): Found {
  if (typeof line !== 'object' || typeof letters !== 'string') return undefined
  const words = line.map(String)
  const read: Option[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    // Long options are none of getopt's.
    if (word.startsWith('--') && word.length > 2) continue
    if (!word.startsWith('-') || word === '-' || word === '--') break
    if (readCluster(word, words[at + 1], letters, read)) at += 1
  }
  if (wanted !== undefined) return read.findLast(({ letter }) => letter === wanted)?.found.at(-1)
  return read.length === 0 ? undefined : read.flatMap(({ found }) => found)
}

/** Reads `-nt5`; tells whether its last option took the next word. A value that is not there is empty. */
function readCluster(word: string, next: string | undefined, letters: string, read: Option[]): boolean {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at)
    const place = letter === ':' ? -1 : letters.indexOf(letter)
    if (place < 0) read.push({ letter: '', found: ['?'] })
    else if (letters[place + 1] !== ':') read.push({ letter, found: [letter] })
    else {
      const value = at + 1 < word.length ? word.slice(at + 1) : next
      read.push({ letter, found: value === undefined ? [''] : [letter, value] })
      return at + 1 === word.length && next !== undefined
    }
  }
  return false
}
