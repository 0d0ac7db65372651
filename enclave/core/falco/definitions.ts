import { textsIn, requiredText, optionalFlag } from './members.ts'
import { readOverrides, type Overrides } from './overrides.ts'
import { checkEngine, checkPlugins } from './requirements.ts'
import {
  APPENDABLE,
  changedRule,
  isToggle,
  newRule,
  REPLACEABLE,
  toggledRule,
  type RuleDefinition,
} from './rule_definition.ts'
import { ITEM_KINDS, readItems, type ItemKind, type Mapping, type Member } from './rule_file.ts'
import { fail, joinTexts, type Mark, type RuleError, type Text, type Warning } from './source.ts'

const LIST_KEYS = ['items']
const MACRO_KEYS = ['condition']
/** All that an item of each kind may have; anything else is ignored with a warning. */
const KEYS: Readonly<Record<ItemKind, ReadonlySet<string>>> = {
  required_engine_version: new Set(['required_engine_version']),
  required_plugin_versions: new Set(['required_plugin_versions']),
  list: new Set(['list', 'append', 'override', ...LIST_KEYS]),
  macro: new Set(['macro', 'append', 'override', ...MACRO_KEYS]),
  // `examples` is ours: docs/rules.md.
  rule: new Set(['rule', 'source', 'append', 'override', 'examples', ...REPLACEABLE]),
}

const LIST_NAME = /^[^()"'\s=,]+$/
const MACRO_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/

const APPEND_IS_OLD = "'append' key is deprecated; name the key under 'override' (such as 'condition: append') instead"
const NOT_BOTH = "Keys 'override' and 'append: true' cannot be used together; use 'override' alone"
const NO_LIST = "List uses 'append' or 'override.items: append' but no list by that name already exists"
const NO_MACRO = "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists"

/** A list or macro. It sees those that were there before its own last change. */
interface Definition {
  readonly name: string
  readonly at: Mark
  /** Its place among all definitions, and that of its last change; the place of its file. */
  readonly first: number
  readonly last: number
  readonly file: number
}
export interface ListDefinition extends Definition {
  readonly items: readonly Text[]
}
export interface MacroDefinition extends Definition {
  readonly condition: Text
}

/** What rule files define, after every change. */
export interface Definitions {
  readonly lists: ReadonlyMap<string, ListDefinition>
  readonly macros: ReadonlyMap<string, MacroDefinition>
  readonly rules: ReadonlyMap<string, RuleDefinition>
  /** `macro x`: there is one, with a mistake. What needs it cannot be judged, and has no mistake for that. */
  readonly broken: ReadonlySet<string>
  readonly mistakes: readonly RuleError[]
  readonly warnings: readonly Warning[]
}

/** Reads rule files in their order. Nothing is parsed yet but the files' form. */
export function readDefinitions(files: readonly Text[]): Definitions {
  const lists = new Map<string, ListDefinition>()
  const macros = new Map<string, MacroDefinition>()
  const rules = new Map<string, RuleDefinition>()
  const broken = new Set<string>()
  const mistakes: RuleError[] = []
  const warnings: Warning[] = []
  let count = 0
  for (const [file, text] of files.entries())
    readItems(
      text,
      (item) => readItem(item, file),
      (mistake) => mistakes.push(mistake),
    )
  return { lists, macros, rules, broken, mistakes, warnings }

  function warn(problem: string, { text, offset }: Mark): void {
    warnings.push({ problem, position: text.position(offset) })
  }

  function readItem(item: Mapping, file: number): void {
    const kind = ITEM_KINDS.find((known) => item.members.has(known))
    const member = kind === undefined ? undefined : item.members.get(kind)
    if (kind === undefined || member === undefined) return warn('Unknown top level item', item.at)
    count += 1
    for (const { key, at } of item.members.values())
      if (!KEYS[kind].has(key)) warn(`Unknown key '${key}'. The key will be ignored.`, at)
    switch (kind) {
      case 'required_engine_version':
        return checkEngine(item)
      case 'required_plugin_versions':
        return checkPlugins(member, warn)
      case 'list':
      case 'macro':
      case 'rule':
        return readNamed(kind, item, member, file)
    }
  }

  function readNamed(kind: 'list' | 'macro' | 'rule', item: Mapping, member: Member, file: number): void {
    const name = requiredText(item, kind).value
    const read = { list: readList, macro: readMacro, rule: readRule }[kind]
    try {
      read(name, item, file)
    } catch (error) {
      broken.add(`${kind} ${name}`)
      // A change of what could not be read has nothing to change.
      if (!(error instanceof NothingToChange)) throw error
      if (!error.isBroken) fail('ERR_RULE_FILE', error.message, member.at)
    }
  }

  /** What a change would change. */
  function previous<T>(all: ReadonlyMap<string, T>, kind: 'list' | 'macro' | 'rule', name: string, problem: string): T {
    const found = all.get(name)
    if (found === undefined) throw new NothingToChange(problem, broken.has(`${kind} ${name}`))
    return found
  }

  /** Whether an item adds to what was there, said in the old way. */
  function isAddition(item: Mapping, overrides: Overrides): boolean {
    const old = optionalFlag(item, 'append') === true
    if (old) warn(APPEND_IS_OLD, item.at)
    if (old && overrides.size > 0) fail('ERR_RULE_FILE', NOT_BOTH, item.at)
    return old
  }

  function placeOf(name: string, item: Mapping, file: number, before: Definition | undefined): Definition {
    return { name, at: item.at, file: before?.file ?? file, first: before?.first ?? count, last: count }
  }

  function readList(name: string, item: Mapping, file: number): void {
    if (!LIST_NAME.test(name))
      warn(`List has an invalid name. List names should match a regular expression: ${LIST_NAME.source}`, item.at)
    const items = textsIn(item, 'items') ?? fail('ERR_RULE_FILE', "Item has no mapping for key 'items'", item.at)
    const overrides = readOverrides(item, LIST_KEYS, LIST_KEYS)
    const adds = isAddition(item, overrides) || overrides.get('items') === 'append'
    const kept = adds ? previous(lists, 'list', name, NO_LIST).items : []
    lists.set(name, { ...placeOf(name, item, file, lists.get(name)), items: [...kept, ...items] })
  }

  function readMacro(name: string, item: Mapping, file: number): void {
    if (!MACRO_NAME.test(name))
      warn(`Macro has an invalid name. Macro names should match a regular expression: ${MACRO_NAME.source}`, item.at)
    const text = requiredText(item, 'condition')
    const overrides = readOverrides(item, MACRO_KEYS, MACRO_KEYS)
    const adds = isAddition(item, overrides) || overrides.get('condition') === 'append'
    const condition = adds ? joinTexts([previous(macros, 'macro', name, NO_MACRO).condition, ' ', text]) : text
    macros.set(name, { ...placeOf(name, item, file, macros.get(name)), condition })
  }

  function readRule(name: string, item: Mapping, file: number): void {
    const overrides = readOverrides(item, APPENDABLE, REPLACEABLE)
    const adds = isAddition(item, overrides)
    const before = (problem: string) => previous(rules, 'rule', name, problem)
    if (adds || overrides.size > 0)
      rules.set(name, changedRule(before, item, { adds, overrides, known: rules.get(name), file, warn }))
    else if (isToggle(item)) rules.set(name, toggledRule(before, item, warn))
    else rules.set(name, newRule(name, item, { known: rules.get(name), file, warn }))
  }
}

/** There is nothing by the name that an item wants to change. */
class NothingToChange extends Error {
  readonly isBroken: boolean

  constructor(problem: string, isBroken: boolean) {
    super(problem)
    this.name = 'NothingToChange'
    this.isBroken = isBroken
  }
}
