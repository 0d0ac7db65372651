import { isMap, isScalar, isSeq, parseAllDocuments, type ParsedNode, type Scalar } from 'yaml'
import { fail, type Mark, type Text } from './source.ts'

const MAX_FILE_CHARS = 1 << 20
const VISIBLE = /[^ \t\r\n]/g

export interface Member {
  readonly key: string
  readonly at: Mark
  readonly value: ParsedNode | null
}

/** One rule, macro or list of a file, not yet understood. */
export interface Item {
  readonly at: Mark
  readonly members: ReadonlyMap<string, Member>
}

/** The items of a rule file: of sequences, and of documents that are one bare item. Empty ones are skipped, as in Falco. */
export function parseItems(file: Text): readonly Item[] {
  if (file.value.length > MAX_FILE_CHARS)
    fail('ERR_RULE_LIMIT', `the file is longer than ${MAX_FILE_CHARS} characters`, { text: file, offset: 0 })
  return parseAllDocuments(file.value, { prettyErrors: false }).flatMap(({ errors: [mistake], contents }) => {
    if (mistake !== undefined) fail('ERR_RULE_FILE', mistake.message, { text: file, offset: mistake.pos[0] })
    const nodes: readonly (ParsedNode | null)[] = isSeq(contents) ? contents.items : [contents]
    return nodes.flatMap((node) => (isEmpty(node) ? [] : [itemOf(node, file)]))
  })
}

const isEmpty = (node: ParsedNode | null): node is null => node === null || (isScalar(node) && node.value === null)

function itemOf(node: ParsedNode, file: Text): Item {
  const at = { text: file, offset: node.range[0] }
  if (!isMap(node))
    return fail('ERR_RULE_FILE', 'expected a rule: a mapping with `rule`, `condition`, `output`, `priority`', at)
  const members = node.items.map(({ key, value }): [string, Member] => {
    const keyAt = { text: file, offset: key.range[0] }
    if (!isScalar(key) || typeof key.value !== 'string') return fail('ERR_RULE_FILE', 'a key must be text', keyAt)
    return [key.value, { key: key.value, at: keyAt, value }]
  })
  return { at, members: new Map(members) }
}

export function flagOf({ key, at, value }: Member): boolean {
  if (isScalar(value) && typeof value.value === 'boolean') return value.value
  return fail('ERR_RULE_FILE', `'${key}' must be true or false`, at)
}

/** A member's text, trimmed; its positions are the file's. */
export function textOf({ key, at, value }: Member): Text {
  if (!isScalar(value) || typeof value.value !== 'string') return fail('ERR_RULE_FILE', `'${key}' must be text`, at)
  return scalarText(value.value.trimEnd(), value, at.text)
}

/**
 * Folding touches nothing but blanks, so the n-th visible character of a scalar is the n-th of its source. Escapes break
 * that: then every position is the scalar's start.
 */
function scalarText(value: string, scalar: Scalar.Parsed, file: Text): Text {
  const [start, end] = scalar.range
  const source = file.value.slice(start, end)
  const header = headerLength(scalar, source)
  return {
    value,
    position(offset) {
      if (header === undefined) return file.position(start)
      const visible = value.slice(0, offset).match(VISIBLE)?.length ?? 0
      const places = Array.from(source.slice(header).matchAll(VISIBLE), ({ index }) => start + header + index)
      return file.position(places[visible] ?? (places.at(-1) ?? start) + 1)
    },
  }
}

/** How much of the source comes before the value itself; `undefined` where escapes hide that. */
function headerLength({ type }: Scalar.Parsed, source: string): number | undefined {
  if (type === 'PLAIN') return 0
  if (type === 'BLOCK_FOLDED' || type === 'BLOCK_LITERAL') return source.indexOf('\n') + 1
  return source.slice(1, -1).includes(type === 'QUOTE_SINGLE' ? "''" : '\\') ? undefined : 1
}
