import type { CloudEvent } from '../event.ts'
import type { Field } from './fields.ts'
import { CLOUDTRAIL } from './fields_cloudtrail.ts'
import { CLOUD_SOURCES, EVENT, JSON_FIELDS } from './fields_common.ts'
import { syscallArgument, K8S_FIELDS, SYSCALL_FIELDS } from './fields_foreign.ts'
import { GCPAUDIT } from './fields_gcp.ts'
import { changedAttribute, OWN } from './fields_own.ts'
import { fail } from './source.ts'
import type { FieldRef } from './tree.ts'

/** Where a rule's events come from: which of them it sees, and what it may ask of them. */
export interface RuleSource {
  readonly name: string
  /** Falco's system calls are known, so that their rules can be checked, but none of them is judged here. */
  readonly served: boolean
  readonly fields: readonly Field[]
  find(name: string): Field | undefined
  sees(event: CloudEvent): boolean
}

interface Settings {
  readonly served?: boolean
  readonly find?: (name: string) => Field | undefined
  readonly sees?: (event: CloudEvent) => boolean
}

function createSource(name: string, fields: readonly Field[], settings: Settings = {}): RuleSource {
  const byName = new Map(fields.map((field) => [field.name, field]))
  const { served = true, find = () => undefined } = settings
  const own = Object.keys(CLOUD_SOURCES).find((cloud) => CLOUD_SOURCES[cloud]?.source === name)
  const sees = settings.sees ?? (({ cloud }) => cloud === own)
  return { name, served, fields, find: (field) => byName.get(field) ?? find(field), sees }
}

/** What a rule has that names no source and does not speak of system calls: every event, every field of ours. */
export const ANY_SOURCE = createSource('any', [...EVENT, ...JSON_FIELDS, ...OWN, ...CLOUDTRAIL, ...GCPAUDIT], {
  find: changedAttribute,
  sees: () => true,
})

export const SYSCALL_SOURCE = createSource('syscall', [...EVENT, ...SYSCALL_FIELDS], {
  served: false,
  find: syscallArgument,
})

/** By the name that a rule gives as its `source`. */
export const SOURCES: ReadonlyMap<string, RuleSource> = new Map(
  [
    createSource('aws_cloudtrail', [...EVENT, ...JSON_FIELDS, ...OWN, ...CLOUDTRAIL], { find: changedAttribute }),
    createSource('gcp_auditlog', [...EVENT, ...JSON_FIELDS, ...OWN, ...GCPAUDIT], { find: changedAttribute }),
    createSource('k8s_audit', [...EVENT, ...JSON_FIELDS, ...K8S_FIELDS]),
    SYSCALL_SOURCE,
  ].map((source) => [source.name, source]),
)

const INDEX = /^(?:0|[1-9]\d*)$/

/** Finds the field that a condition or template names, and checks what stands in its brackets. */
export function resolveField(source: RuleSource, { name, arg, at }: FieldRef): Field {
  const field = source.find(name) ?? fail('ERR_RULE_FIELD', `no field of ${describe(source)} is called '${name}'`, at)
  const { argument } = field
  if (argument === undefined && arg !== undefined) fail('ERR_RULE_TYPE', `'${name}' takes no argument`, at)
  if (argument?.required === true && arg === undefined)
    fail('ERR_RULE_TYPE', `'${name}' needs an argument: ${name}[…]`, at)
  if (argument?.kind === 'index' && arg !== undefined && !INDEX.test(arg))
    fail('ERR_RULE_TYPE', `'${name}' takes an index: 0, 1, 2 …`, at)
  return field
}

const describe = ({ name }: RuleSource): string => (name === ANY_SOURCE.name ? 'ours' : `source ${name}`)
