import { splitPath } from './path.ts'

/** What one character must pass; with `any` a `*`, which takes any number of them. */
type Piece = 'any' | ((character: string) => boolean)

interface Line {
  readonly text: string
  readonly negated: boolean
  readonly pieces: readonly Piece[]
}

/** driftctl's ignore file. */
export interface Driftignore {
  /** The line that ignores a resource, or with a path that attribute of it; undefined when none does. */
  ignores(type: string, id: string, path: string | null): string | undefined
}

/**
 * Reads a `.driftignore` as driftctl does: gitignore's patterns over `type.id` and `type.id.path.to.field`, in which the
 * last one that matches decides, `!` takes back, `\` escapes, and a comment has a line to itself. A line that is no
 * pattern matches nothing.
 */
export function parseDriftignore(source: string): Driftignore {
  const lines = source.split(/\r?\n/).flatMap(parseLine).toReversed()
  return {
    ignores(type, id, path) {
      if (lines.length === 0) return undefined
      const name = path === null ? [type, id] : [type, id, ...splitPath(path)]
      const subject = Array.from(name.join('.'))
      const deciding = lines.find(({ pieces }) => matches(pieces, subject))
      return deciding === undefined || deciding.negated ? undefined : deciding.text
    },
  }
}

function parseLine(text: string): readonly Line[] {
  if (text.trim() === '' || text.startsWith('#')) return []
  const negated = text.startsWith('!')
  const pattern = (negated ? text.slice(1) : text).replace(/(?<!\\) +$/, '')
  // A resource is ignored with all its fields.
  return [pattern, ...(pattern.endsWith('*') ? [] : [`${pattern}.*`])].flatMap((one) => {
    const pieces = parsePattern(Array.from(one))
    return pieces === undefined ? [] : [{ text, negated, pieces }]
  })
}

/** Undefined where a class is not closed or nothing follows an escape. */
function parsePattern(characters: readonly string[]): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]
    if (character === '*') {
      if (pieces.at(-1) !== 'any') pieces.push('any')
    } else if (character === '?') pieces.push(() => true)
    else if (character === '[') {
      const end = endOfClass(characters, at + 1)
      if (end === undefined) return undefined
      pieces.push(parseClass(characters.slice(at + 1, end)))
      at = end
    } else {
      if (character === '\\') at += 1
      const wanted = characters[at]
      if (wanted === undefined) return undefined
      pieces.push((found) => found === wanted)
    }
  }
  return pieces
}

function endOfClass(characters: readonly string[], start: number): number | undefined {
  for (let at = start; at < characters.length; at += 1) {
    if (characters[at] === '\\') at += 1
    else if (characters[at] === ']' && at > start) return at
  }
  return undefined
}

/** `[abc]`, `[a-z]`, and with `^` or `!` everything else. */
function parseClass(inside: readonly string[]): Piece {
  const negated = inside[0] === '^' || inside[0] === '!'
  const ranges: (readonly [low: string, high: string])[] = []
  const rest = inside.slice(negated ? 1 : 0)
  for (let at = 0; at < rest.length; at += 1) {
    if (rest[at] === '\\') at += 1
    const low = rest[at] ?? ''
    const isRange = rest[at + 1] === '-' && rest[at + 2] !== undefined
    ranges.push([low, isRange ? (rest[at + 2] ?? low) : low])
    if (isRange) at += 2
  }
  return (character) => ranges.some(([low, high]) => low <= character && character <= high) !== negated
}

/** Takes time in proportion to the product of both lengths, whatever the pattern. */
function matches(pieces: readonly Piece[], subject: readonly string[]): boolean {
  let [piece, at, star, retry] = [0, 0, -1, 0]
  while (at < subject.length) {
    const wanted = pieces[piece]
    if (wanted === 'any') {
      ;[star, retry] = [piece, at]
      piece += 1
    } else if (wanted?.(subject[at] ?? '') === true) {
      piece += 1
      at += 1
    } else if (star >= 0) {
      retry += 1
      ;[piece, at] = [star + 1, retry]
    } else return false
  }
  return pieces.slice(piece).every((left) => left === 'any')
}
