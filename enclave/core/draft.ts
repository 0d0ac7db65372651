import type { Change } from './compare.ts'
import type { CloudEvent } from './event.ts'
import type { Finding, OutcomeName, Verdict } from './finding.ts'
import { isObject } from './json.ts'

const UNKNOWN = 'unknown'
const MAX_ID = 64

/** A finding about an event, before anything is known but its outcome. */
export function draft(event: CloudEvent, outcome: OutcomeName, reason: string): Finding {
  return {
    version: 1,
    outcome,
    kind: null,
    verdict: null,
    cloud: event.cloud,
    account: event.account,
    region: event.region,
    service: event.source.replace(/\.amazonaws\.com$/, ''),
    source: event.source,
    event: event.name,
    eventId: event.id,
    time: event.time,
    resource: null,
    changes: {},
    delta: {},
    actor: event.actor,
    severity: 'info',
    rules: [],
    reason,
    ...sharedOf(event),
  }
}

/** One call that reaches the trails of several accounts has the same id in all of them besides each record's own. */
function sharedOf({ record }: CloudEvent): Pick<Finding, 'sharedEventId'> {
  const id = isObject(record) ? record['sharedEventID'] : undefined
  return typeof id === 'string' && id !== '' ? { sharedEventId: id.slice(0, MAX_ID) } : {}
}

/** The finding for a record that could not be read, so that it is counted like any other. `id`: where it came from. */
export function rejected(reason: string, id = ''): Finding {
  return {
    version: 1,
    outcome: 'rejected',
    kind: null,
    verdict: null,
    cloud: 'aws',
    account: '',
    region: '',
    service: UNKNOWN,
    source: UNKNOWN,
    event: UNKNOWN,
    eventId: id,
    time: '',
    resource: null,
    changes: {},
    delta: {},
    actor: { type: 'Unknown', name: UNKNOWN, console: false },
    severity: 'info',
    rules: [],
    reason,
  }
}

/** A finding's fields that speak of attributes. What is certain of one of them is certain of the drift. */
export function changesOf(
  changes: readonly Change[],
): Pick<Finding, 'changes' | 'delta' | 'suspected'> & { verdict: Verdict } {
  return {
    changes: Object.fromEntries(changes.map(({ path, old, now }) => [path, [old, now] as const])),
    delta: Object.fromEntries(changes.flatMap(({ path, delta }) => (delta === undefined ? [] : [[path, delta]]))),
    ...suspectedOf(changes),
    verdict: changes.length > 0 && changes.every(({ suspected }) => suspected) ? 'suspected' : 'confirmed',
  }
}

export function suspectedOf(changes: readonly Change[]): Pick<Finding, 'suspected'> {
  const suspected = changes.flatMap((change) => (change.suspected ? [change.path] : []))
  return suspected.length > 0 ? { suspected } : {}
}
