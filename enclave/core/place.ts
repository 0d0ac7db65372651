import type { CloudEvent } from './event.ts'
import { isObject, type Json } from './json.ts'
import { plain } from './lists.ts'
import { valueAt } from './path.ts'

/** A place in an audit record. */
export interface Place {
  readonly root: 'request' | 'response' | 'event' | 'element'
  readonly names: readonly string[]
}

/** What stands in a record at a place. */
export function readPlace(event: CloudEvent, { root, names }: Place): Json | undefined {
  const value = rootOf(event, root)
  return plain(valueAt(value, names) ?? standsAt(withoutEnvelope(value), names))
}

/** Newer calls of EC2 have all they say in `<Action>Request` or the like, and all that is answered in `<Action>Response`. */
const ENVELOPE = /^[A-Z]\w*(?:Req|Request|Response)$/

/** API Gateway has a call's body beside what its path names: `{restApiId, createStageInput: {…}}`. */
const BODY = /^[a-z]\w*Input$/

function withoutEnvelope(value: Json | undefined): Json | undefined {
  if (!isObject(value)) return value
  const names = Object.keys(value)
  const [name = ''] = names
  if (names.length === 1 && ENVELOPE.test(name) && isObject(value[name])) return value[name]
  const body = names.find((member) => member.endsWith('Input') && BODY.test(member) && isObject(value[member]))
  return body === undefined ? value : value[body]
}

/** What stands at a list of names, which calls in an envelope write in upper camel case. */
export const standsAt = (value: Json | undefined, names: readonly string[]): Json | undefined =>
  valueAt(value, names) ??
  valueAt(
    value,
    upper.getOrInsertComputed(names, () => names.map(upperFirst)),
  )

/** Of each place that the catalog names: most calls lack some of what is looked for. */
const upper = new WeakMap<readonly string[], readonly string[]>()

export const upperFirst = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function rootOf(event: CloudEvent, root: Place['root']): Json | undefined {
  switch (root) {
    case 'request':
      return event.request
    case 'response':
      return event.response
    case 'element':
      return event.element
    case 'event':
      return { account: event.account, region: event.region, additionalEventData: additionalOf(event.record) }
  }
}

/** What some calls say of their subject instead of in the request: KMS, which grant is retired. */
const additionalOf = (record: Json): Json => (isObject(record) && record['additionalEventData']) || null
