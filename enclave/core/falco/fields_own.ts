import { canonicalJson, type Json } from '../json.ts'
import { keyPath } from '../path.ts'
import type { Field, View } from './fields.ts'

const text = (name: string, from: string, read: (view: View) => string | null | undefined): Field => ({
  name,
  type: 'text',
  from,
  read: (view) => read(view) ?? undefined,
})
const attribute = (name: string, from: string, read: (view: View) => Json | undefined): Field => ({
  name,
  type: 'attribute',
  from,
  read: (view) => attributeText(read(view)),
})

/** What a comparison with Terraform's state knows, and Falco does not. */
export const OWN: readonly Field[] = [
  text('cloud.provider', 'the cloud', ({ event }) => event.cloud),
  text('cloud.service', 'the short name of the service', ({ finding }) => finding.service),
  text('cloud.operation', 'the name of the call', ({ event }) => event.name),
  text('cloud.resource', "the resource's identity in the cloud", ({ finding }) => finding.resource?.id),
  text('cloud.user', 'who made the call', ({ event }) => event.actor.name),
  text('cloud.region', 'the region', ({ event }) => event.region),
  text('cloud.account', 'the account or project', ({ event }) => event.account),
  { ...text('cloud.ip', 'the address that called', ({ event }) => event.actor.sourceIp), type: 'address' },
  { ...text('cloud.net', 'the same, to compare with networks', ({ event }) => event.actor.sourceIp), type: 'network' },
  text('evt.name', 'the name of the call', ({ event }) => event.name),
  text('resource', 'in templates: as `cloud.resource`', ({ finding }) => finding.resource?.id),
  text('user', 'in templates: as `cloud.user`', ({ event }) => event.actor.name),
  text('user.name', 'as `cloud.user`', ({ event }) => event.actor.name),
  { ...text('drift.attribute', 'a changed attribute', ({ change }) => change?.attribute), ofChange: true },
  { ...attribute('drift.old_value', 'its value in the state', ({ change }) => change?.old), ofChange: true },
  { ...attribute('drift.new_value', 'its value now', ({ change }) => change?.now), ofChange: true },
  text('drift.verdict', '`confirmed` or `suspected`', ({ finding }) => finding.verdict),
  text('drift.kind', '`changed`, `created` or `deleted`', ({ finding }) => finding.kind),
  text('drift.address', "the resource's address in Terraform", ({ finding }) => finding.resource?.address),
  text('drift.state', 'the name of the state', ({ finding }) => finding.resource?.state),
  text('terraform.type', "the resource's type", ({ finding }) => finding.resource?.type),
]

/** `drift.changes.<attribute>`: an attribute's new value, whichever change the rest of the rule is about. */
const CHANGES = 'drift.changes'

/**
 * A finding's path as Falco's grammar can say it: plain names as they are, the last index or map key as argument
 * (`drift.changes.tags["a/b"]`, `drift.changes.setting[2]`), any other path whole (`drift.changes["setting[2].value"]`).
 */
export function changedAttribute(name: string): Field | undefined {
  if (name !== CHANGES && !name.startsWith(`${CHANGES}.`)) return undefined
  const path = name.slice(CHANGES.length + 1)
  return {
    name,
    type: 'attribute',
    argument: { kind: 'key', required: path === '' },
    from: "the attribute's value now",
    read({ finding }, argument) {
      const full = changedPath(path, argument)
      return Object.hasOwn(finding.changes, full) ? attributeText(finding.changes[full]?.[1]) : undefined
    },
  }
}

function changedPath(path: string, argument: string | undefined): string {
  if (argument === undefined) return path
  if (path === '') return argument
  return /^\d+$/.test(argument) ? `${path}[${argument}]` : keyPath(path, argument)
}

function attributeText(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : canonicalJson(value)
}
