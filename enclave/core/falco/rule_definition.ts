import type { Severity } from '../finding.ts'
import { formOf, readExceptions, type Exception } from './exceptions.ts'
import { checkCount, optionalFlag, optionalText, requiredText, textsIn } from './members.ts'
import type { Overrides } from './overrides.ts'
import type { Mapping } from './rule_file.ts'
import { fail, joinTexts, type Mark, type Text } from './source.ts'

/** Falco's priorities, in any case, and what they are called here. */
const SEVERITIES: ReadonlyMap<string, Severity> = new Map([
  ['emergency', 'critical'],
  ['alert', 'critical'],
  ['critical', 'critical'],
  ['error', 'high'],
  ['warning', 'medium'],
  ['notice', 'low'],
  ['informational', 'info'],
  ['info', 'info'],
  ['debug', 'info'],
])

/** What a change may add to, and what it may replace. */
export const APPENDABLE = ['condition', 'output', 'desc', 'tags', 'exceptions']
export const REPLACEABLE = [
  ...APPENDABLE,
  'priority',
  'capture',
  'capture_duration',
  'enabled',
  'warn_evttypes',
  'skip-if-unknown-filter',
]
/** Falco's own, for a rule that names none. */
const DEFAULT_SOURCE = 'syscall'
const OTHER_SOURCE = 'Rule has been re-defined with a different source'

/** A rule with none of these switches an earlier one on or off. */
const ESSENTIAL = ['condition', 'output', 'desc', 'priority']

const ENABLED_IS_OLD = "The standalone 'enabled' key is deprecated; add 'enabled: replace' under 'override'"
const NO_RULE_TO_APPEND = "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"
const NO_RULE_TO_REPLACE =
  "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"
const NO_RULE_TO_ENABLE = "Rule has 'enabled' key but no rule by that name already exists"

/** A rule as its file has it, after every change to it. */
export interface RuleDefinition {
  readonly name: string
  readonly at: Mark
  readonly file: number
  readonly condition: Text
  readonly output: Text
  readonly description: string
  readonly severity: Severity
  /** `undefined` where the rule says none. */
  readonly source: string | undefined
  readonly tags: readonly string[]
  readonly enabled: boolean
  readonly warnsOfBreadth: boolean
  readonly skipsUnknown: boolean
  readonly exceptions: readonly Exception[]
}

type Warn = (problem: string, at: Mark) => void

/** Where a definition of a rule stands among others. */
interface Around {
  /** The rule as it is so far, if there is one. */
  readonly known: RuleDefinition | undefined
  readonly file: number
  readonly warn: Warn
}

export function newRule(name: string, item: Mapping, { known, file, warn }: Around): RuleDefinition {
  const source = optionalText(item, 'source')?.value
  if (known !== undefined && (known.source ?? DEFAULT_SOURCE) !== (source ?? DEFAULT_SOURCE))
    fail('ERR_RULE_FILE', OTHER_SOURCE, item.at)
  const exceptions = readExceptions(item, false, warn)
  exceptions.forEach(formOf)
  optionalFlag(item, 'capture')
  checkCount(item, 'capture_duration')
  return {
    name,
    at: item.at,
    file,
    condition: requiredText(item, 'condition'),
    output: requiredText(item, 'output'),
    // Falco's loader demands it; the rules of the ECR coverage page have none.
    description: optionalText(item, 'desc')?.value.trim() ?? '',
    severity: severityOf(item),
    source,
    tags: tagsOf(item),
    enabled: optionalFlag(item, 'enabled') ?? true,
    warnsOfBreadth: optionalFlag(item, 'warn_evttypes') ?? true,
    skipsUnknown: optionalFlag(item, 'skip-if-unknown-filter') ?? false,
    exceptions,
  }
}

export const isToggle = (item: Mapping): boolean => !ESSENTIAL.some((key) => item.members.has(key))

type Before = (problem: string) => RuleDefinition

export function toggledRule(before: Before, item: Mapping, warn: Warn): RuleDefinition {
  const enabled = optionalFlag(item, 'enabled')
  if (enabled === undefined) return fail('ERR_RULE_FILE', "Item has no mapping for key 'enabled'", item.at)
  warn(ENABLED_IS_OLD, item.at)
  return { ...before(NO_RULE_TO_ENABLE), enabled }
}

interface Change extends Around {
  readonly adds: boolean
  readonly overrides: Overrides
}

export function changedRule(
  before: Before,
  item: Mapping,
  { adds, overrides, known, file, warn }: Change,
): RuleDefinition {
  const source = item.members.get('source')?.value
  const named = source?.kind === 'scalar' && source.text.value !== '' && !source.empty ? source.text.value : undefined
  if (known !== undefined && named !== undefined && (known.source ?? DEFAULT_SOURCE) !== named)
    fail('ERR_RULE_FILE', OTHER_SOURCE, item.at)
  const changes: Overrides = adds ? additions(item) : overrides
  const missing = [...changes].find(([key]) => !item.members.has(key))
  if (missing !== undefined)
    fail(
      'ERR_RULE_FILE',
      `An ${missing[1]} override for '${missing[0]}' was specified but '${missing[0]}' is not defined`,
      item.at,
    )
  const appends = adds || [...changes.values()].includes('append')
  const rule = { ...before(appends ? NO_RULE_TO_APPEND : NO_RULE_TO_REPLACE), file }
  if (changes.size === 0) fail('ERR_RULE_FILE', 'Appended rule must have exceptions or condition property', item.at)
  const stray = adds ? undefined : REPLACEABLE.find((key) => item.members.has(key) && !changes.has(key))
  if (stray !== undefined)
    fail(
      'ERR_RULE_FILE',
      `Unexpected key '${stray}': no corresponding entry under 'override' is defined.`,
      item.members.get(stray)?.at ?? item.at,
    )
  for (const [key, how] of changes) Object.assign(rule, change(rule, item, key, how, warn))
  return rule
}

/** An `append: true` adds to these, and leaves the rest as it is. */
const additions = (item: Mapping): Overrides =>
  new Map(['condition', 'exceptions'].filter((key) => item.members.has(key)).map((key) => [key, 'append']))

function change(
  rule: RuleDefinition,
  item: Mapping,
  key: string,
  how: 'append' | 'replace',
  warn: Warn,
): Partial<RuleDefinition> {
  const join = (text: Text): Text =>
    how === 'append' ? joinTexts([rule[key === 'output' ? 'output' : 'condition'], ' ', text]) : text
  switch (key) {
    case 'condition':
      return { condition: join(requiredText(item, key)) }
    case 'output':
      return { output: join(requiredText(item, key)) }
    case 'desc': {
      const text = requiredText(item, key).value.trim()
      return { description: how === 'append' ? `${rule.description} ${text}` : text }
    }
    case 'tags':
      return { tags: how === 'append' ? [...new Set([...rule.tags, ...tagsOf(item)])] : tagsOf(item) }
    case 'exceptions': {
      const exceptions = readExceptions(item, how === 'append', warn)
      if (how === 'append') return { exceptions: exceptions.reduce(addException, rule.exceptions) }
      exceptions.forEach(formOf)
      return { exceptions }
    }
    case 'priority':
      return { severity: severityOf(item) }
    case 'enabled':
      return { enabled: optionalFlag(item, key) ?? rule.enabled }
    case 'warn_evttypes':
      return { warnsOfBreadth: optionalFlag(item, key) ?? rule.warnsOfBreadth }
    case 'skip-if-unknown-filter':
      return { skipsUnknown: optionalFlag(item, key) ?? rule.skipsUnknown }
    case 'capture':
      optionalFlag(item, key)
      return {}
    default:
      checkCount(item, key)
      return {}
  }
}

function addException(all: readonly Exception[], added: Exception): readonly Exception[] {
  const before = all.find(({ name }) => name === added.name)
  if (before === undefined) {
    formOf(added)
    if (added.values.length === 0)
      fail('ERR_RULE_FILE', 'Rule exception must have values property with a list of values', added.at)
    return [...all, added]
  }
  if (added.fields !== undefined || added.comps !== undefined)
    fail('ERR_RULE_FILE', 'Can not append exception fields or comps to existing exception, only values', added.at)
  return all.map((each) => (each === before ? { ...each, values: [...each.values, ...added.values] } : each))
}

function severityOf(item: Mapping): Severity {
  const priority = requiredText(item, 'priority').value
  const at = item.members.get('priority')?.at ?? item.at
  return (
    SEVERITIES.get(priority.toLowerCase()) ??
    fail('ERR_RULE_FILE', `Invalid priority; expected one of ${[...SEVERITIES.keys()].join(', ')}`, at)
  )
}

const tagsOf = (item: Mapping): readonly string[] => [
  ...new Set((textsIn(item, 'tags') ?? []).map(({ value }) => value)),
]
