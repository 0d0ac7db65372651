import type { Severity } from '../finding.ts'
import type { Rule } from '../rule.ts'
import { compile } from './compile.ts'
import { parseCondition } from './condition.ts'
import { views } from './fields.ts'
import { parseTemplate } from './output.ts'
import { flagOf, parseItems, textOf, type Item, type Member } from './rule_file.ts'
import { fail, formatMark, plainText } from './source.ts'

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

/** `desc` and `tags` are for people. Falco's own loader demands a `desc`; the rules of the ECR coverage page have none. */
const RULE_KEYS = new Set(['rule', 'desc', 'condition', 'output', 'priority', 'tags', 'enabled'])

/** These would change what a file means, so they are refused and not, like unknown ones, ignored with a warning. */
const UNSUPPORTED = new Set([
  'append',
  'capture',
  'capture_duration',
  'exceptions',
  'list',
  'macro',
  'override',
  'required_engine_version',
  'required_plugin_versions',
  'skip-if-unknown-filter',
  'source',
  'warn_evttypes',
])

export interface RuleFile {
  readonly rules: readonly Rule[]
  /** What Falco's loader would warn of as well; each begins with its position. */
  readonly warnings: readonly string[]
}

/** Loads a Falco rule file. Throws RuleError, at the first mistake, and nothing else. */
export function parseRules(name: string, source: string): RuleFile {
  const rules = new Map<string, Rule>()
  const warnings: string[] = []
  for (const item of parseItems(plainText(source, name))) {
    const members = [...item.members.values()]
    const refused = members.find(({ key }) => UNSUPPORTED.has(key))
    if (refused !== undefined) fail('ERR_RULE_UNSUPPORTED', `'${refused.key}' is not supported yet`, refused.at)
    if (!item.members.has('rule')) {
      warnings.push(`${formatMark(item.at)}: this is no rule and is ignored`)
      continue
    }
    const unknown = members.filter(({ key }) => !RULE_KEYS.has(key))
    warnings.push(...unknown.map(({ key, at }) => `${formatMark(at)}: '${key}' is unknown and ignored`))
    const { rule, enabled } = readRule(item)
    // A rule that is named again replaces the first and keeps its place.
    if (enabled) rules.set(rule.name, rule)
    else rules.delete(rule.name)
  }
  return { rules: [...rules.values()], warnings }
}

function readRule({ members, at }: Item): { rule: Rule; enabled: boolean } {
  const required = (key: string): Member => members.get(key) ?? fail('ERR_RULE_FILE', `the rule has no '${key}'`, at)
  const name = textOf(required('rule')).value
  const matches = compile(parseCondition(textOf(required('condition'))))
  const message = parseTemplate(textOf(required('output')))
  const priority = required('priority')
  const severity =
    SEVERITIES.get(textOf(priority).value.toLowerCase()) ??
    fail('ERR_RULE_FILE', `unknown priority; expected one of ${[...SEVERITIES.keys()].join(', ')}`, priority.at)
  const enabled = members.get('enabled')
  return {
    rule: {
      name,
      severity,
      matches: (subject) => views(subject).some(matches),
      // The message speaks of the change that made the rule match.
      message: (subject) => {
        const all = views(subject)
        return message(all.find(matches) ?? all[0])
      },
    },
    enabled: enabled === undefined || flagOf(enabled),
  }
}
