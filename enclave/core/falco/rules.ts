import { reachOf } from './reach.ts'
import type { Rule } from '../rule.ts'
import { compile } from './compile.ts'
import { readDefinitions } from './definitions.ts'
import type { RuleDefinition } from './rule_definition.ts'
import { explain } from './explain.ts'
import { formOf, withExceptions } from './exceptions.ts'
import { BrokenMacro, createExpander, type Expander } from './expand.ts'
import { views } from './fields.ts'
import { compileTemplate, parseTemplate, type Part } from './output.ts'
import { parseCondition } from './condition.ts'
import { plainText, RuleError, joinTexts, type Mark, type Warning } from './source.ts'
import { checksIn, namesIn, sourceOf } from './rule_source.ts'
import { SOURCES, type RuleSource } from './sources.ts'
import type { Condition } from './tree.ts'
import { isBroad, warnOfCondition } from './warnings.ts'

/** A rule whose condition and output were found right, whether or not it is one of those that run. */
export interface CheckedRule {
  readonly name: string
  /** With lists, macros and exceptions put in. */
  readonly condition: Condition
  readonly source: string
  readonly enabled: boolean
}

/** What rule files come to. With a mistake in them there are the rules that are without. */
export interface Loaded {
  readonly rules: readonly Rule[]
  readonly checked: readonly CheckedRule[]
  readonly mistakes: readonly RuleError[]
  readonly warnings: readonly Warning[]
}

export interface RuleFile {
  readonly name: string
  readonly text: string
}

/** Loads Falco rule files in their order, and finds every mistake in them. Never throws. */
export function loadRuleFiles(files: readonly RuleFile[]): Loaded {
  const definitions = readDefinitions(files.map(({ name, text }) => plainText(text, name)))
  const rules: Rule[] = []
  const checked: CheckedRule[] = []
  const mistakes = new Map(definitions.mistakes.map((mistake) => [mistake.message, mistake]))
  const warnings = new Map(definitions.warnings.map((warning) => [JSON.stringify(warning), warning]))
  const expander = createExpander(definitions)
  const report = { attempt, warn }
  for (const name of definitions.macros.keys()) attempt(() => expander.check(name))
  for (const definition of definitions.rules.values()) {
    const found = attempt(() => checkRule(definition, expander, report))
    if (found === undefined) continue
    checked.push(found.checked)
    if (found.rule !== undefined && definition.enabled) rules.push(found.rule)
  }
  for (const [kind, all] of [
    ['macro', definitions.macros],
    ['list', definitions.lists],
  ] as const)
    for (const { name, at } of all.values())
      if (expander.isUnused(kind, name))
        warn(`${kind} '${name}' is not referred to by any other rule, macro or list`, at)
  return { rules, checked, mistakes: [...mistakes.values()], warnings: [...warnings.values()] }

  function warn(problem: string, { text, offset }: Mark): void {
    const warning = { problem, position: text.position(offset) }
    warnings.set(JSON.stringify(warning), warning)
  }

  function attempt<T>(action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      if (error instanceof RuleError) mistakes.set(error.message, error)
      else if (!(error instanceof BrokenMacro)) throw error
      return undefined
    }
  }
}

interface Found {
  readonly checked: CheckedRule
  readonly rule: Rule | undefined
}

/** Where mistakes and warnings go. */
interface Report {
  readonly attempt: <T>(action: () => T) => T | undefined
  readonly warn: (problem: string, at: Mark) => void
}

function checkRule(definition: RuleDefinition, expander: Expander, { attempt, warn }: Report): Found | undefined {
  const { name, at, enabled, output } = definition
  const named = definition.source === undefined ? undefined : SOURCES.get(definition.source)
  if (definition.source !== undefined && named === undefined) {
    warn(`Unknown source ${definition.source}, skipping`, at)
    return undefined
  }
  const parts = attempt(() => parseTemplate(output))
  const condition = expander.expand(withExceptions(definition.condition, definition.exceptions), definition.file)
  if (parts === undefined) return undefined
  const source = named ?? sourceOf(condition, parts)
  const mistakes = mistakesIn(definition, condition, parts, source)
  if (mistakes.length > 0 && definition.skipsUnknown && mistakes.every(({ code }) => code === 'ERR_RULE_FIELD')) {
    for (const { problem } of mistakes) warn(`${problem}; the rule is skipped`, at)
    return undefined
  }
  for (const mistake of mistakes)
    attempt(() => {
      throw mistake
    })
  if (mistakes.length > 0) return undefined
  warnOfCondition(condition, source, (problem) => warn(problem, { text: definition.condition, offset: 0 }))
  if (output.value.includes('evt.dir'))
    warn("usage of deprecated field 'evt.dir' has been detected in the rule output", at)
  if (!source.served) {
    if (definition.warnsOfBreadth && isBroad(condition))
      warn('Rule matches too many evt.type values. This has a significant performance penalty.', at)
    warn(`Unknown source ${source.name}, skipping`, at)
  }
  const rule = source.served ? compileRule(definition, condition, parts, source) : undefined
  return { checked: { name, condition, source: source.name, enabled }, rule }
}

/** Compiles every check and every field of the output by itself, since each may have a mistake. */
function mistakesIn(
  { exceptions }: RuleDefinition,
  condition: Condition,
  parts: readonly Part[],
  source: RuleSource,
): readonly RuleError[] {
  const fields = exceptions.flatMap((exception) => formOf(exception).fields)
  const actions = [
    ...checksIn(condition).map((check) => () => void compile(check, source)),
    ...fields.map((field) => () => void compile(parseCondition(joinTexts([field, ' exists'])), source)),
    ...parts.map((part) => () => void compileTemplate([part], source)),
  ]
  return actions.flatMap((action) => {
    try {
      action()
      return []
    } catch (error) {
      if (error instanceof RuleError) return [error]
      throw error
    }
  })
}

function compileRule(
  definition: RuleDefinition,
  condition: Condition,
  parts: readonly Part[],
  source: RuleSource,
): Rule {
  const matches = compile(condition, source)
  // What asks for no change finds the same in all of them.
  const isOfChange = namesIn(condition).some((name) => source.find(name)?.ofChange === true)
  const message = compileTemplate(parts, source)
  const { name, description, severity, tags } = definition
  return {
    name,
    description,
    severity,
    language: 'falco',
    tags,
    reach: reachOf(condition),
    matches(subject) {
      if (!source.sees(subject.event)) return false
      const all = views(subject)
      return isOfChange ? all.some(matches) : matches(all[0])
    },
    // The message speaks of the change that made the rule match.
    message: (subject) => {
      const all = views(subject)
      const matching = all.length > 1 ? all.find(matches) : undefined
      return message(matching ?? all[0])
    },
    explain: (subject) => {
      const all = views(subject)
      const explanation = explain(condition, source, all.find(matches) ?? all[0])
      if (source.sees(subject.event)) return explanation
      return { text: `an event of source ${source.name}`, outcome: false, parts: [explanation] }
    },
  }
}
