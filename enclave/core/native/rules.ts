import type { Advice } from '../finding.ts'
import { globs } from '../glob.ts'
import type { RuleError, RuleErrorCode } from '../falco/source.ts'
import { defined, inOnePiece } from '../json.ts'
import type { Reach, Rule, Subject } from '../rule.ts'
import { allOf, compileConditions, explain, type Check } from './condition.ts'
import { compileIdentity } from './identity.ts'
import { readDocuments } from './policy_file.ts'
import { outlineSchema, ruleSchema, type Example, type RuleSource } from './schema.ts'
import { parseLink, parseTemplate } from './template.ts'
import type { Threshold } from './thresholds.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A native rule, and what its file says besides. */
export interface PolicyRule extends Rule {
  readonly id: string
  readonly examples: readonly Example[]
  readonly source: RuleSource
}

export interface Policies {
  readonly rules: readonly PolicyRule[]
  readonly mistakes: readonly RuleError[]
}

/** Loads files of native rules. All mistakes are found at once; a rule with one is left out. Throws nothing. */
export function parsePolicies(files: readonly { readonly name: string; readonly text: string }[]): Policies {
  const mistakes: RuleError[] = []
  const ids = new Set<string>()
  const rules = files.flatMap(({ name, text }) =>
    readDocuments(name, text, mistakes).flatMap((document) => {
      const outline = document.check(outlineSchema, [], document.value, mistakes)
      return (outline?.rules ?? []).flatMap((value, index) => {
        const before = mistakes.length
        const source = document.check(ruleSchema, ['rules', index], value, mistakes)
        if (source === undefined) return []
        const note: Note = (code, problem, place) =>
          void mistakes.push(document.mistake(code, problem, ['rules', index, ...place]))
        if (ids.has(source.id)) note('ERR_RULE_FILE', `another rule has the id '${source.id}'`, ['id'])
        ids.add(source.id)
        const rule = compileRule(source, note)
        return source.enabled && mistakes.length === before ? [rule] : []
      })
    }),
  )
  return { rules, mistakes }
}

/** Takes note of a mistake at a place in a rule. */
type Note = (code: RuleErrorCode, problem: string, place: readonly (string | number)[]) => void

function compileRule(source: RuleSource, note: Note): PolicyRule {
  const { id, name, severity, resource_types: types = [], events = [], tags = [], threshold } = source
  if (types.length + events.length + (source.conditions?.length ?? 0) === 0)
    note('ERR_RULE_FILE', 'a rule needs resource_types, events or conditions', ['id'])
  const check = allOf([
    ...guards(source),
    ...(source.conditions === undefined ? [] : [compileConditions(source.conditions)]),
    ...skips(source),
  ])
  const advice = adviceOf(source, types, note)
  return {
    ...defined<Pick<Rule, 'threshold'>>({ threshold: threshold && compileThreshold(threshold) }),
    id,
    name,
    description: source.description ?? '',
    severity,
    language: 'native',
    tags,
    reach: reachOf(types, events),
    examples: source.examples ?? [],
    source,
    matches: (subject) => check.holds(subject),
    explain: (subject) => explain(check, subject),
    message: ({ finding: { resource, actor } }) =>
      inOnePiece(`${name} (resource=${resource?.address ?? resource?.id ?? '<NA>'} user=${actor.name})`),
    advice,
  }
}

/** What can be said without looking at any value, cheapest first. */
function guards({ resource_types: types, events, kinds, outcomes }: RuleSource): readonly Check[] {
  const [isType, isEvent] = [globs(types ?? []), globs(events ?? [])]
  const all: readonly (Check | undefined)[] = [
    types &&
      guard(`type in ${types.join(', ')}`, ({ finding }) => {
        const type = finding.resource?.type
        return type !== undefined && isType(type)
      }),
    events && guard(`event in ${events.join(', ')}`, ({ finding }) => isEvent(`${finding.service}:${finding.event}`)),
    kinds && guard(`kind in ${kinds.join(', ')}`, ({ finding }) => kinds.some((kind) => kind === finding.kind)),
    outcomes &&
      guard(`outcome in ${outcomes.join(', ')}`, ({ finding }) =>
        outcomes.some((outcome) => outcome === finding.outcome),
      ),
  ]
  return all.filter((check) => check !== undefined)
}

const guard = (text: string, holds: (subject: Subject) => boolean): Check => ({ text, holds, parts: [] })

const skips = ({ filters = [] }: RuleSource): readonly Check[] =>
  filters.map(({ user_identity: identity }) => {
    const isTheirs = compileIdentity(identity)
    const text = Object.entries(identity).map(([key, pattern]) => `${key}=${pattern}`)
    return guard(`not by ${text.join(' ')}`, (subject) => !isTheirs(subject))
  })

/** What a pattern stands for is not listed, so with one of them the rule is tried on everything. */
function reachOf(types: readonly string[], events: readonly string[]): Reach {
  const [services, names] = [events.map((event) => before(event, ':')), events.map((event) => after(event, ':'))]
  return defined<Reach>({
    types: isExact(types) ? new Set(types) : undefined,
    services: isExact(services) ? new Set(services) : undefined,
    events: isExact(names) ? new Set(names) : undefined,
  })
}

const isExact = (names: readonly string[]): boolean => names.length > 0 && !names.some((name) => name.includes('*'))

const before = (text: string, mark: string): string => text.slice(0, text.indexOf(mark))
const after = (text: string, mark: string): string => text.slice(text.indexOf(mark) + 1)

function compileThreshold({ count, window, per }: NonNullable<RuleSource['threshold']>): Threshold {
  return { count, windowMs: Number(window.slice(0, -1)) * (UNIT_MS[window.slice(-1)] ?? 0), per }
}

function adviceOf(
  { actions, remediation, runbook, references }: RuleSource,
  types: readonly string[],
  note: Note,
): (subject: Subject) => Advice {
  const noteAt =
    (...place: (string | number)[]) =>
    (problem: string) =>
      note('ERR_RULE_SYNTAX', problem, place)
  const steps = remediation?.map((step, at) => parseTemplate(step, types, noteAt('remediation', at)))
  const link = runbook === undefined ? undefined : parseLink(runbook, types, noteAt('runbook'))
  return (subject) =>
    defined<Advice>({
      actions,
      remediation: steps?.map((step) => step(subject)),
      runbook: link?.(subject),
      references,
    })
}
