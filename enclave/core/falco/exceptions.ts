import { requiredText, sequenceIn } from './members.ts'
import type { Mapping, Node } from './rule_file.ts'
import { fail, joinTexts, type Mark, type Text } from './source.ts'
import { LIST_OPERATORS, MODIFIERS, NUMBER_OPERATORS, SYMBOL_OPERATORS, WORD_OPERATORS } from './tree.ts'

const MAX_DEPTH = 3

/** A text, or a list of them. */
type Entry = Text | readonly Entry[]

/** What a rule shall not match: rows of values for fields, or a list of values for one field. */
export interface Exception {
  readonly name: string
  readonly at: Mark
  readonly fields: Entry | undefined
  readonly comps: Entry | undefined
  readonly values: readonly Entry[]
}

const TEXT_OPERATORS: readonly string[] = [...SYMBOL_OPERATORS, ...WORD_OPERATORS]
const LISTS: readonly string[] = LIST_OPERATORS
const OPERATORS: ReadonlySet<string> = new Set([...NUMBER_OPERATORS, ...TEXT_OPERATORS, ...LISTS, 'exists'])

/** The exceptions of one item. In an addition to a rule, one may be only a name and values. */
export function readExceptions(
  item: Mapping,
  adding: boolean,
  warn: (problem: string, at: Mark) => void,
): readonly Exception[] {
  const member = item.members.get('exceptions')
  if (member === undefined || (member.value.kind === 'scalar' && member.value.empty)) return []
  const seen = new Set<string>()
  return sequenceIn(member.value, member.at, 'exceptions').map((node) => {
    if (node.kind !== 'mapping') return fail('ERR_RULE_FILE', 'Rule exception must be a mapping', node.at)
    const name = requiredText(node, 'name').value
    const fields = node.members.get('fields')
    if (fields === undefined && !adding) fail('ERR_RULE_FILE', "Item has no mapping for key 'fields'", node.at)
    if (seen.has(name)) warn(`Multiple definitions of exception '${name}' in the same rule`, node.at)
    seen.add(name)
    const values = node.members.get('values')
    if (values === undefined && adding) warn('Overriding/appending exception with no values', node.at)
    const comps = node.members.get('comps')
    return {
      name,
      at: node.at,
      fields: fields === undefined ? undefined : entryOf(fields.value),
      comps: comps === undefined ? undefined : entryOf(comps.value),
      values: values === undefined ? [] : sequenceIn(values.value, values.at, 'values').map((value) => entryOf(value)),
    }
  })
}

function entryOf(node: Node, depth: number = MAX_DEPTH): Entry {
  if (node.kind === 'mapping' || depth === 0)
    return fail('ERR_RULE_FILE', 'expected a text or a list of texts', node.at)
  if (node.kind === 'sequence') return node.items.map((inner) => entryOf(inner, depth - 1))
  if (node.text.value === '') return fail('ERR_RULE_FILE', 'Value must be non-empty', node.at)
  return node.text
}

const isList = (entry: Entry): entry is readonly Entry[] => Array.isArray(entry)
const isListOperator = (comp: string): boolean => LISTS.includes(comp) || isModified(comp)

/** `startswith oneof` and the like. */
function isModified(comp: string): boolean {
  const [operator = '', modifier = '', ...more] = comp.split(/[ \t\r\n]+/)
  return more.length === 0 && TEXT_OPERATORS.includes(operator) && MODIFIERS.some((known) => known === modifier)
}

/** An exception whose form was checked: its fields, each with how it is compared. */
interface Form {
  readonly single: boolean
  readonly fields: readonly Text[]
  readonly comps: readonly string[]
}

/** Refuses an exception whose fields and operators do not go together. */
export function formOf({ fields, comps, at }: Exception): Form {
  if (fields === undefined)
    return fail('ERR_RULE_FILE', 'Rule exception must have fields property with a list of fields', at)
  if (!isList(fields)) {
    if (comps !== undefined && isList(comps)) return fail('ERR_RULE_FILE', 'Fields and comps must both be strings', at)
    const comp = comps?.value.trim() ?? 'in'
    if (!isListOperator(comp))
      fail(
        'ERR_RULE_FILE',
        `When fields is a single value, comps must be one of (${LISTS.join(', ')}) or such as 'startswith oneof'`,
        at,
      )
    return { single: true, fields: [fields], comps: [comp] }
  }
  const names = fields.map((field) => textOf(field, at))
  const operators =
    comps === undefined ? names.map(() => '=') : isList(comps) ? comps.map((comp) => textOf(comp, at).value.trim()) : []
  if (operators.length !== names.length) fail('ERR_RULE_FILE', 'Fields and comps lists must have equal length', at)
  const unknown = operators.find((comp) => !OPERATORS.has(comp) && !isModified(comp))
  if (unknown !== undefined) fail('ERR_RULE_FILE', `'${unknown}' is not a supported comparison operator`, at)
  return { single: false, fields: names, comps: operators }
}

const textOf = (entry: Entry, at: Mark): Text =>
  isList(entry) ? fail('ERR_RULE_FILE', 'expected a text here, not a list', at) : entry

/** The condition with what its exceptions take away, as the text that Falco would parse. */
export function withExceptions(condition: Text, exceptions: readonly Exception[]): Text {
  if (exceptions.length === 0) return condition
  const clauses = exceptions.flatMap((exception) => {
    const parts = clauseOf(exception)
    return parts.length === 0 ? [] : [' and not (', ...parts, ')']
  })
  return joinTexts(['(', condition, ')', ...clauses])
}

function clauseOf(exception: Exception): readonly (Text | string)[] {
  const { single, fields, comps } = formOf(exception)
  const { values, at } = exception
  const [field = '', comp = ''] = [fields[0], comps[0]]
  if (values.length === 0) return []
  if (single)
    return [
      field,
      ` ${comp} (`,
      ...separated(
        values.map((value) => quoted(textOf(value, at))),
        ', ',
      ),
      ')',
    ]
  const rows = values.map((row) => {
    if (!isList(row) || row.length !== fields.length)
      return fail('ERR_RULE_FILE', 'Fields and values lists must have equal length', at)
    const checks = row.map((value, place): readonly (Text | string)[] => {
      const how = comps[place] ?? ''
      return ([fields[place] ?? '', ` ${how} `] as readonly (Text | string)[]).concat(operand(value, how, at))
    })
    return bracketed(separated(checks, ' and '))
  })
  return separated(rows, ' or ')
}

function operand(value: Entry, comp: string, at: Mark): readonly (Text | string)[] {
  if (isList(value))
    return [
      '(',
      ...separated(
        value.map((inner) => quoted(textOf(inner, at))),
        ', ',
      ),
      ')',
    ]
  if (!isListOperator(comp)) return quoted(value)
  return value.value.startsWith('(') ? [value] : ['(', value, ')']
}

const bracketed = (parts: readonly (Text | string)[]): readonly (Text | string)[] => ['(', ...parts, ')']

const separated = (groups: readonly (readonly (Text | string)[])[], separator: string): readonly (Text | string)[] =>
  groups.flatMap((group, place) => (place === 0 ? group : [separator, ...group]))

/** A text with a blank in it needs quotes, unless it brings its own. */
const quoted = (text: Text): readonly (Text | string)[] =>
  text.value.includes(' ') && !/^["']/.test(text.value) ? ['"', text, '"'] : [text]
