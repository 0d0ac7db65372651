import type { Definitions, ListDefinition, MacroDefinition } from './definitions.ts'
import { parseCondition } from './condition.ts'
import { fail, replaceRange, type Text } from './source.ts'
import type { Condition } from './tree.ts'

/** Macros in macros, further down than this, are a mistake; the stack has an end. */
const MAX_MACRO_DEPTH = 100
/** A condition grows with its lists and macros, and theirs. */
const MAX_CONDITION_CHARS = 1 << 20
const MAX_TREE_NODES = 100_000

const DELIMITER = /[ \t\n\r(),=]/

/** Puts lists and macros into conditions, and remembers which of them were ever used. */
export interface Expander {
  /** The tree of a rule's condition. Macros of later files than the rule's are not there yet. */
  expand(condition: Text, file: number): Condition
  /** Parses every macro, so that a mistake is found also in one that no rule uses. */
  check(name: string): void
  isUnused(kind: 'list' | 'macro', name: string): boolean
}

/** A mistake in a macro is reported once, where it is; whoever uses that macro cannot be judged. */
export class BrokenMacro extends Error {}

export function createExpander({ lists, macros, broken }: Definitions): Expander {
  const items = new Map([...lists.values()].map((list) => [list.name, itemsOf(list)]))
  const usedLists = new Set<string>([...lists.values()].flatMap((list) => list.items.map(({ value }) => value)))
  const usedMacros = new Set<string>()
  const parsed = new Map<string, Condition>()
  const failed = new Set(broken)
  return {
    expand: (condition, file) => resolve(parse(condition), (macro) => macro.file <= file, []),
    check: (name) => void treeOf(name),
    isUnused: (kind, name) => !(kind === 'list' ? usedLists : usedMacros).has(name),
  }

  /** A list in a list stands for its items if it was there first. */
  function itemsOf({ items: texts, last }: ListDefinition): readonly string[] {
    return texts.flatMap(({ value }) => {
      const inner = lists.get(value)
      return inner !== undefined && inner.first < last ? inner.items.map((item) => item.value) : [value]
    })
  }

  /** Lists are text: their items take the place of their name, quoted strings not spared. */
  function parse(condition: Text): Condition {
    let text = condition
    for (const [name, values] of items) {
      let at = text.value.indexOf(name)
      while (at >= 0) {
        const end = at + name.length
        if (isDelimited(text.value, at, end)) {
          usedLists.add(name)
          const { start, stop, replacement } = replacementFor(text.value, at, end, values)
          text = replaceRange(text, start, stop, replacement)
          if (text.value.length > MAX_CONDITION_CHARS)
            fail('ERR_RULE_LIMIT', `with its lists the condition is over ${MAX_CONDITION_CHARS} characters`, {
              text: condition,
              offset: 0,
            })
          at = text.value.indexOf(name, start + replacement.length)
        } else at = text.value.indexOf(name, at + 1)
      }
    }
    return parseCondition(text)
  }

  function treeOf(name: string): Condition {
    const known = parsed.get(name)
    if (known !== undefined) return known
    const macro = macros.get(name)
    if (macro === undefined || failed.has(`macro ${name}`)) throw new BrokenMacro(name)
    // Until it is done: a mistake in it is its own, and not that of each of its users.
    failed.add(`macro ${name}`)
    const tree = parse(macro.condition)
    failed.delete(`macro ${name}`)
    parsed.set(name, tree)
    return tree
  }

  function resolve(
    condition: Condition,
    sees: (macro: MacroDefinition) => boolean,
    path: readonly string[],
  ): Condition {
    let nodes = 0
    return walk(condition, sees, path)

    function walk(node: Condition, visible: (macro: MacroDefinition) => boolean, within: readonly string[]): Condition {
      nodes += 1
      if (nodes > MAX_TREE_NODES)
        fail('ERR_RULE_LIMIT', `with its macros the condition has over ${MAX_TREE_NODES} parts`, node.at)
      switch (node.kind) {
        case 'and':
        case 'or':
          return { ...node, terms: node.terms.map((term) => walk(term, visible, within)) }
        case 'not':
          return { ...node, term: walk(node.term, visible, within) }
        case 'macro': {
          const macro = macros.get(node.name)
          if (broken.has(`macro ${node.name}`)) throw new BrokenMacro(node.name)
          if (within.includes(node.name)) fail('ERR_RULE_MACRO', `reference loop in macro '${node.name}'`, node.at)
          if (macro === undefined || !visible(macro))
            return fail('ERR_RULE_MACRO', `Undefined macro '${node.name}' used in filter.`, node.at)
          if (within.length > MAX_MACRO_DEPTH)
            fail('ERR_RULE_LIMIT', `macros are nested deeper than ${MAX_MACRO_DEPTH}`, node.at)
          usedMacros.add(node.name)
          return walk(treeOf(node.name), ({ first }) => first < macro.last, [...within, node.name])
        }
        case 'exists':
        case 'order':
        case 'text':
        case 'modified':
        case 'listed':
          return node
      }
    }
  }
}

const isDelimited = (text: string, start: number, end: number): boolean =>
  (start === 0 || DELIMITER.test(text.charAt(start - 1))) && (end === text.length || DELIMITER.test(text.charAt(end)))

/** An empty list takes a comma beside it along. */
function replacementFor(text: string, start: number, end: number, values: readonly string[]) {
  const replacement = values.map(quoted).join(', ')
  if (replacement !== '') return { start, stop: end, replacement }
  const before = /,[ \t\n\r]*$/.exec(text.slice(0, start))
  if (before !== null) return { start: before.index, stop: end, replacement }
  const after = /^[ \t\n\r]*,/.exec(text.slice(end))
  return { start, stop: end + (after?.[0].length ?? 0), replacement }
}

const quoted = (item: string): string => (item.includes(' ') && !/^["']/.test(item) ? `"${item}"` : item)
