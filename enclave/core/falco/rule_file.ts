import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Document, type ParsedNode, type Scalar } from 'yaml'
import { fail, RuleError, type Mark, type Text } from './source.ts'

const MAX_FILE_CHARS = 1 << 22
/** Falco's own files have none. An alias of a list of aliases of … would grow beyond memory. */
const MAX_ALIASES = 1000
const VISIBLE = /[^ \t\r\n]/g

/** What an item can be, by the key that says so. Falco looks for them in this order. */
export const ITEM_KINDS = ['required_engine_version', 'required_plugin_versions', 'list', 'macro', 'rule'] as const
export type ItemKind = (typeof ITEM_KINDS)[number]

/** A value of a file, with where it stands. */
export type Node =
  | { readonly kind: 'scalar'; readonly at: Mark; readonly text: Text; readonly empty: boolean }
  | { readonly kind: 'sequence'; readonly at: Mark; readonly items: readonly Node[] }
  | Mapping

export interface Mapping {
  readonly kind: 'mapping'
  readonly at: Mark
  readonly members: ReadonlyMap<string, Member>
}

export interface Member {
  readonly key: string
  readonly at: Mark
  readonly value: Node
}

/** Gives every item of a file that can be read to `take`, and every mistake to `report`. Items that are null are skipped, as in Falco. */
export function readItems(file: Text, take: (item: Mapping) => void, report: (mistake: RuleError) => void): void {
  const attempt = (action: () => void) => {
    try {
      action()
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      report(error)
    }
  }
  attempt(() => {
    const start = { text: file, offset: 0 }
    if (file.value.length > MAX_FILE_CHARS)
      fail('ERR_RULE_LIMIT', `the file is longer than ${MAX_FILE_CHARS} characters`, start)
    for (const document of parseAllDocuments(file.value, { prettyErrors: false, uniqueKeys: false })) {
      for (const { message, pos } of document.errors)
        attempt(() => fail('ERR_RULE_FILE', message, { text: file, offset: pos[0] }))
      if (document.errors.length > 0) continue
      for (const item of itemsOf(document, file)) attempt(() => take(item()))
    }
  })
}

/** The items of a sequence, or of a document that is one mapping: there each `rule` begins another. */
function itemsOf(document: Document.Parsed, file: Text): readonly (() => Mapping)[] {
  const read = reader(document, file)
  const { contents } = document
  if (isEmpty(contents)) return []
  if (isMap(contents)) {
    const all = contents.items.map(({ key, value }) => read.member(key, value))
    const starts = all.flatMap(({ key }, place) => (isItemKind(key) ? [place] : []))
    return (starts.length === 0 ? [0] : starts).map((start, place) => () => {
      const members = all.slice(place === 0 ? 0 : start, starts[place + 1])
      return mapping(members[0]?.at ?? { text: file, offset: 0 }, members)
    })
  }
  const at = { text: file, offset: contents.range[0] }
  if (!isSeq(contents)) return fail('ERR_RULE_FILE', 'expected a list of rules, macros and lists', at)
  const nodes = contents.items.filter((node) => !isEmpty(node as ParsedNode | null)) as readonly ParsedNode[]
  return nodes.map((node) => () => {
    const item = read.node(node)
    return item.kind === 'mapping'
      ? item
      : fail('ERR_RULE_FILE', 'expected a mapping: a rule, a macro or a list', item.at)
  })
}

const isItemKind = (key: string): boolean => ITEM_KINDS.some((kind) => kind === key)
const isEmpty = (node: ParsedNode | null): node is null => node === null || (isScalar(node) && node.value === null)

function mapping(at: Mark, all: readonly Member[]): Mapping {
  const members = new Map<string, Member>()
  for (const member of all) {
    if (members.has(member.key)) fail('ERR_RULE_FILE', `'${member.key}' is here twice`, member.at)
    members.set(member.key, member)
  }
  return { kind: 'mapping', at, members }
}

/** Turns nodes of the YAML library into ours, whose scalars are the text that stands in the file: `007` is no 7. */
function reader(document: Document.Parsed, file: Text) {
  let aliases = 0
  return { node, member }

  function node(source: ParsedNode | null): Node {
    if (source === null) return { kind: 'scalar', at: { text: file, offset: 0 }, text: file, empty: true }
    const at = { text: file, offset: source.range[0] }
    if (isAlias(source)) {
      aliases += 1
      if (aliases > MAX_ALIASES) return fail('ERR_RULE_LIMIT', `more than ${MAX_ALIASES} aliases`, at)
      const target = source.resolve(document) ?? fail('ERR_RULE_FILE', 'an alias of nothing', at)
      // What an alias leads to was parsed with the rest.
      return node(target as ParsedNode)
    }
    if (isMap(source))
      return mapping(
        at,
        source.items.map(({ key, value }) => member(key, value)),
      )
    if (isSeq(source))
      return { kind: 'sequence', at, items: source.items.map((item) => node(item as ParsedNode | null)) }
    return { kind: 'scalar', at, text: textOf(source, file), empty: source.value === null }
  }

  function member(key: ParsedNode, value: ParsedNode | null): Member {
    const at = { text: file, offset: key.range[0] }
    if (!isScalar(key)) return fail('ERR_RULE_FILE', 'a key must be text', at)
    const found = node(value)
    return { key: textOf(key, file).value, at, value: value === null ? { ...found, at } : found }
  }
}

/** A scalar's text; its positions are the file's. */
function textOf(scalar: Scalar.Parsed, file: Text): Text {
  const [start, end] = scalar.range
  const value = typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '')
  return {
    value,
    /**
     * Folding touches nothing but blanks, so the n-th visible character of a scalar is the n-th of its source. Escapes
     * break that: then every position is the scalar's start.
     */
    position(offset) {
      const source = file.value.slice(start, end)
      const header = headerLength(scalar, source)
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
