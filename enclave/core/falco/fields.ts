import { canonicalJson, type Json } from '../json.ts'
import { keyPath } from '../path.ts'
import type { Subject } from '../rule.ts'
import { fail } from './source.ts'
import type { FieldRef } from './tree.ts'

/** One changed attribute of a finding. */
interface Change {
  readonly attribute: string
  readonly old: Json
  readonly now: Json
}

/** What a condition looks at. A finding with several changes is looked at once for each of them. */
export interface View extends Subject {
  readonly change: Change | undefined
}

export function views({ event, finding }: Subject): readonly [View, ...View[]] {
  const [first, ...others] = Object.entries(finding.changes).map(([attribute, [old, now]]): View => ({
    event,
    finding,
    change: { attribute, old, now },
  }))
  return [first ?? { event, finding, change: undefined }, ...others]
}

export interface Field {
  /** Terraform knows its values as numbers too, so `attribute` compares with `<` as numbers; `text` does so byte by byte. */
  readonly type: 'text' | 'attribute'
  /** `undefined` where the subject has no such value; then every check of it is false. */
  readonly read: (view: View) => string | undefined
}

const text = (read: (view: View) => string | null | undefined): Field => ({
  type: 'text',
  read: (view) => read(view) ?? undefined,
})
const attribute = (read: (view: View) => Json | undefined): Field => ({
  type: 'attribute',
  read: (view) => asText(read(view)),
})

const FIELDS: Readonly<Record<string, Field>> = {
  'cloud.provider': text(({ event }) => event.cloud),
  'cloud.service': text(({ finding }) => finding.service),
  'cloud.operation': text(({ event }) => event.name),
  'cloud.resource': text(({ finding }) => finding.resource?.id),
  'cloud.user': text(({ event }) => event.actor.name),
  'cloud.region': text(({ event }) => event.region),
  'cloud.account': text(({ event }) => event.account),
  'evt.name': text(({ event }) => event.name),
  resource: text(({ finding }) => finding.resource?.id),
  user: text(({ event }) => event.actor.name),
  'drift.attribute': text(({ change }) => change?.attribute),
  'drift.old_value': attribute(({ change }) => change?.old),
  'drift.new_value': attribute(({ change }) => change?.now),
  'drift.verdict': text(({ finding }) => finding.verdict),
  'drift.kind': text(({ finding }) => finding.kind),
  'drift.address': text(({ finding }) => finding.resource?.address),
  'drift.state': text(({ finding }) => finding.resource?.state),
  'terraform.type': text(({ finding }) => finding.resource?.type),
}

/** `drift.changes.<attribute>`: the attribute's new value, whichever attribute the check is about. */
const CHANGES = 'drift.changes'

/** Finds the field that a condition or template names; a name that nobody registered is an error. */
export function resolveField(ref: FieldRef): Field {
  const path = changedPath(ref)
  if (path !== undefined)
    return attribute(({ finding }) => (Object.hasOwn(finding.changes, path) ? finding.changes[path]?.[1] : undefined))
  const field = Object.hasOwn(FIELDS, ref.name) ? FIELDS[ref.name] : undefined
  if (field === undefined)
    return fail(
      'ERR_RULE_UNKNOWN',
      `unknown field '${ref.name}'; known are ${Object.keys(FIELDS).join(', ')}, ${CHANGES}.<attribute>`,
      ref.at,
    )
  if (ref.arg !== undefined) fail('ERR_RULE_TYPE', `'${ref.name}' takes no argument`, ref.at)
  return field
}

/**
 * A finding's path as Falco's grammar can say it: plain names as they are, the last index or map key as argument
 * (`drift.changes.tags["a/b"]`, `drift.changes.setting[2]`), any other path whole (`drift.changes["setting[2].value"]`).
 */
function changedPath({ name, arg, at }: FieldRef): string | undefined {
  if (name === CHANGES) return arg ?? fail('ERR_RULE_TYPE', `'${CHANGES}' needs an attribute`, at)
  if (!name.startsWith(`${CHANGES}.`)) return undefined
  const path = name.slice(CHANGES.length + 1)
  if (arg === undefined) return path
  if (/^\d+$/.test(arg)) return `${path}[${arg}]`
  return keyPath(path, arg)
}

function asText(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : canonicalJson(value)
}
