import { matchesGlob } from '../enclave/core/glob.ts'
import type { Severity } from '../enclave/core/finding.ts'
import { SEVERITIES } from '../enclave/core/native/schema.ts'
import type { PolicyRule } from '../enclave/core/native/rules.ts'
import type { Rule } from '../enclave/core/rule.ts'
import { parseRuleFiles } from '../enclave/core/rule_files.ts'
import type { Terminal } from './replay_command.ts'
import { ruleFiles } from './rule_inputs.ts'
import { count } from './rules_check.ts'

export interface ListOptions {
  readonly severity?: Severity
  readonly type?: string
  readonly tag?: string
  readonly format?: 'falco' | 'native'
  readonly json?: true
}

/** `driftseal rules list`: the rules of the files, gravest first. */
export async function list(
  paths: readonly string[],
  options: ListOptions,
  { shipped, terminal }: { readonly shipped: string; readonly terminal: Terminal },
): Promise<number> {
  const { rules, policies, mistakes } = parseRuleFiles(await ruleFiles(paths, shipped))
  const [mistake] = mistakes
  if (mistake !== undefined) throw mistake
  const sources = new Map<Rule, PolicyRule['source']>(policies.map((rule) => [rule, rule.source]))
  const chosen = rules
    .filter((rule) => isWanted(rule, sources.get(rule)?.resource_types ?? [], options))
    .toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
  for (const rule of chosen) {
    const { id, name, description, severity, language, tags } = rule
    const { resource_types: types, references } = sources.get(rule) ?? {}
    if (options.json)
      terminal.out(JSON.stringify({ id, name, description, severity, format: language, tags, types, references }))
    else terminal.out([severity.padEnd(8), language.padEnd(6), id === undefined ? name : `${id}  ${name}`].join('  '))
  }
  if (!options.json) terminal.err(`${count(chosen.length, 'rule')}\n`)
  return 0
}

/** A Falco rule says nothing of types that could be listed, so it is of none. */
const isWanted = (rule: Rule, types: readonly string[], { severity, type, tag, format }: ListOptions): boolean =>
  (severity === undefined || rule.severity === severity) &&
  (type === undefined || types.some((pattern) => matchesGlob(pattern, type))) &&
  (tag === undefined || rule.tags.includes(tag)) &&
  (format === undefined || rule.language === format)
