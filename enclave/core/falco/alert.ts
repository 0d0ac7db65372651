import { canonicalJson, type Json } from '../json.ts'
import type { Finding, MatchedRule, Severity } from '../finding.ts'
import { CLOUD_SOURCES, timeParts } from './fields_common.ts'

/** An alert as Falco posts it over HTTP, for Falcosidekick and all that it feeds. */
export interface FalcoAlert {
  readonly output: string
  readonly priority: string
  readonly rule: string
  readonly source: string
  readonly tags: readonly string[]
  /** RFC 3339 with nine digits behind the second. */
  readonly time: string
  readonly hostname: string
  /** Never empty, which Falcosidekick refuses, and texts alone: chat outputs show no others. */
  readonly output_fields: { readonly [field: string]: string }
}

/** What a finding does not know of its rules and of the place it was made. */
export interface AlertSettings {
  readonly hostname: string
  readonly tags: (rule: string) => readonly string[]
}

const PRIORITIES: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  high: 'Error',
  medium: 'Warning',
  low: 'Notice',
  info: 'Informational',
}

/** A time that no record gave. */
const NO_TIME = { date: '1970-01-01', clock: '00:00:00', nanos: '000000000' }

/** A finding's alerts: one for each of its rules, or one of its own where no rule matched. */
export function falcoAlerts(finding: Finding, { hostname, tags }: AlertSettings): readonly FalcoAlert[] {
  const { date, clock, nanos } = timeParts(finding) ?? NO_TIME
  const rules = finding.rules.length > 0 ? finding.rules : [ruleless(finding)]
  return rules.map(({ name, severity, message }) => ({
    hostname,
    output: `${clock}.${nanos}: ${PRIORITIES[severity]} ${message}`,
    output_fields: outputFields(finding),
    priority: PRIORITIES[severity],
    rule: name,
    source: CLOUD_SOURCES[finding.cloud]?.source ?? finding.cloud,
    tags: tags(name),
    time: `${date}T${clock}.${nanos}Z`,
  }))
}

const ruleless = ({ outcome, severity, event, resource, actor, reason }: Finding): MatchedRule => ({
  name: `driftseal ${outcome}`,
  severity,
  message: `${event} by ${actor.name} on ${resource?.address ?? resource?.id ?? 'no known resource'}: ${reason}`,
})

/** What conditions call the same things by. */
function outputFields(finding: Finding): Readonly<Record<string, string>> {
  const { resource, changes } = finding
  const all: readonly (readonly [string, string | null | undefined])[] = [
    ['cloud.account', finding.account],
    ['cloud.operation', finding.event],
    ['cloud.provider', finding.cloud],
    ['cloud.region', finding.region],
    ['cloud.resource', resource?.id],
    ['cloud.service', finding.service],
    ['cloud.user', finding.actor.name],
    ['drift.address', resource?.address],
    ['drift.kind', finding.kind],
    ['drift.outcome', finding.outcome],
    ['drift.state', resource?.state],
    ['drift.verdict', finding.verdict],
    ['terraform.type', resource?.type],
    ...Object.entries(changes).map(
      ([path, [old, now]]) => [`drift.changes.${path}`, `${textOf(old)} -> ${textOf(now)}`] as const,
    ),
  ]
  return Object.fromEntries(all.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value))
