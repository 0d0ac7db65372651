import type { Actor } from './event.ts'
import { isUnseen, type Finding, type OutcomeName, type Severity } from './finding.ts'
import { isObject, type Json } from './json.ts'
import { delta } from './meaning.ts'
import { parseDocument } from './document.ts'

/** A policy of 20 kB is no reading matter; the JSON has it whole. */
const MAX_VALUE = 160
const ESC = '\u001B'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue'
const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34 }
const OUTCOME_STYLE: Readonly<Record<OutcomeName, Style>> = {
  drift: 'red',
  tamper: 'red',
  unmanaged: 'yellow',
  unmapped: 'yellow',
  rejected: 'yellow',
  resolved: 'green',
  expected: 'blue',
  suppressed: 'dim',
  ignored: 'dim',
}
const GRAVE: ReadonlySet<Severity> = new Set(['critical', 'high'])
const WEIGHED: ReadonlySet<OutcomeName> = new Set(['drift', 'unmanaged', 'tamper'])

/** The finding as one line of JSON: docs/findings.md. */
export const toJson = (finding: Finding): string => JSON.stringify(finding)

/** The drift log line: service, event, resource, changes, user, timestamp. */
export function toDriftLog({ service, event, resource, changes, actor, time }: Finding): string {
  return JSON.stringify({ service, event, resource: resource?.id ?? null, changes, user: actor.name, timestamp: time })
}

/** The finding in a few lines for a person. */
export function toPerson(finding: Finding, { colour }: { readonly colour: boolean }): string {
  const paint = (style: Style, text: string) => (colour ? `${ESC}[${CODES[style]}m${text}${ESC}[0m` : text)
  const { outcome, severity, resource, verdict, kind, actor, rules } = finding
  const weight = WEIGHED.has(outcome) ? [paint(GRAVE.has(severity) ? 'red' : 'dim', severity)] : []
  const doubt = verdict === 'suspected' ? [paint('yellow', 'suspected')] : []
  const what = resource === null ? finding.source : (resource.address ?? `${resource.type} ${resource.id}`)
  const where = typeof resource?.state === 'string' ? [paint('dim', `in ${plain(resource.state)}`)] : []
  const head = [paint(OUTCOME_STYLE[outcome], outcome.toUpperCase()), ...weight, ...doubt, paint('bold', plain(what))]
  const lines = [
    [...head, ...(kind === null ? [] : [kind]), ...where].join('  '),
    ...changeLines(finding).map((line) => `  ${line}`),
    ...contextLines(finding).map((line) => `  ${paint('dim', line)}`),
    ...rules.map((rule) => `  ${paint('yellow', `rule ${plain(rule.name)}`)}: ${plain(rule.message)}`),
    `  ${plain(finding.event)} by ${plain(describe(actor))}${finding.time === '' ? '' : `, ${when(finding.time)}`}`,
    `  ${paint('dim', plain(finding.reason))}`,
  ]
  return lines.join('\n')
}

function changeLines(finding: Finding): readonly string[] {
  const { changes, delta: deltas } = finding
  return Object.entries(changes).flatMap(([path, [old, now]]) => {
    const parts = deltas[path] ?? partsOf(old, now)
    if (parts === undefined)
      return [`${plain(path)}: ${show(old)} -> ${isUnseen(finding, path) ? '(not shown)' : show(now)}`]
    const went = parts.removed.map((value) => `  - ${show(value)}`)
    return [`${plain(path)}:`].concat(
      went,
      parts.added.map((value) => `  + ${show(value)}`),
    )
  })
}

/** What is not a change, and what is not told for one. */
function contextLines({
  withheld = [],
  flapping = {},
  dependents,
  supersedes,
  import: block,
}: Finding): readonly string[] {
  return [
    ...withheld.map(({ path, change, by, name }) => {
      const values = change === null ? '' : `: ${show(change[0])} -> ${show(change[1])}`
      return `not alerted: ${plain(path ?? 'the resource itself')}${values} (${by} ${plain(name)})`
    }),
    ...Object.entries(flapping).map(
      ([path, { transitions }]) => `comes and goes: ${plain(path)}, ${transitions} times`,
    ),
    ...(supersedes === undefined ? [] : [`ends the drifts of ${supersedes.map(plain).join(', ')}`]),
    ...(dependents === undefined ? [] : [`made from it: ${namesOf(dependents)}`]),
    ...(block === undefined ? [] : block.split('\n').map(plain)),
  ]
}

function namesOf({ count, addresses }: NonNullable<Finding['dependents']>): string {
  const more = count > addresses.length ? ` and ${count - addresses.length} more` : ''
  return `${addresses.map(plain).join(', ')}${more}`
}

/** Of two policies, the statements or rules that one of them alone has. */
function partsOf(old: Json, now: Json): Finding['delta'][string] | undefined {
  if (typeof old !== 'string' || typeof now !== 'string') return undefined
  const [before, after] = [parseDocument(old), parseDocument(now)]
  if (!isObject(before) || !isObject(after)) return undefined
  const list = ['Statement', 'rules'].find((name) => Array.isArray(before[name]) && Array.isArray(after[name]))
  const parts = list === undefined ? undefined : delta(before[list] ?? [], after[list] ?? [])
  return parts === undefined || parts.added.length + parts.removed.length === 0 ? undefined : parts
}

function describe(actor: Actor): string {
  const role = actor.role === undefined ? [] : [`role ${actor.role.replace(/^.*:role\//, '')}`]
  const origin = actor.sourceIp === undefined ? [] : [`from ${actor.sourceIp}`]
  const means = actor.console ? ['console'] : []
  const mfa = actor.mfa === false ? ['no MFA'] : []
  const before = (actor.assumedBy ?? []).map(({ name, arn }) => `assumed by ${arn ?? name}`)
  const vouched = actor.identityProvider === undefined ? [] : [`identity from ${actor.identityProvider}`]
  const rest = [...role, ...means, ...origin, ...mfa, ...vouched, ...before]
  return rest.length === 0 ? actor.name : `${actor.name} (${rest.join(', ')})`
}

const when = (time: string): string => plain(time).replace('T', ' ').replace('Z', ' UTC')

function show(value: Json): string {
  if (value === null) return '(none)'
  const text = plain(typeof value === 'string' && value.startsWith('{') ? value : JSON.stringify(value))
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
}

/** Names come from whoever made the call: none may move a terminal's cursor, hide a line or turn its direction. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
