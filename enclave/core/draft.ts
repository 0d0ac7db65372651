import { dropOldest } from './bounded.ts'
import type { Change, Delta } from './compare.ts'
import type { CloudEvent } from './event.ts'
import type { Draft, Finding, OutcomeName, Verdict } from './finding.ts'
import { inOnePiece, isObject, type Json } from './json.ts'

const UNKNOWN = 'unknown'
const MAX_ID = 64
const AWS_SUFFIX = '.amazonaws.com'
/** Services whose short names are remembered: AWS has some four hundred. */
const MAX_SERVICES = 1000

/** What a finding is about. */
export type Place = Pick<Finding, 'resource' | 'account' | 'region'>

/** A finding about an event, before anything is known but its outcome, and where it is about a resource, which. */
export function draft(event: CloudEvent, outcome: OutcomeName, reason: string, place?: Place): Draft {
  const { resource, account, region } = place ?? { resource: null, account: event.account, region: event.region }
  const { source } = event
  const finding: Draft = {
    version: 1,
    outcome,
    kind: null,
    verdict: null,
    cloud: event.cloud,
    account,
    region,
    service: serviceOf(source),
    source,
    event: event.name,
    eventId: event.id,
    time: event.time,
    resource,
    changes: {},
    delta: {},
    actor: event.actor,
    severity: 'info',
    rules: [],
    reason,
  }
  const sharedEventId = sharedIdOf(event)
  if (sharedEventId !== undefined) finding.sharedEventId = sharedEventId
  return finding
}

/** Remembered, since a text that was cut has to be brought into one piece. */
function serviceOf(source: string): string {
  const known = services.get(source)
  if (known !== undefined) return known
  const service = inOnePiece(source.endsWith(AWS_SUFFIX) ? source.slice(0, -AWS_SUFFIX.length) : source)
  services.set(source, service)
  dropOldest(services, MAX_SERVICES)
  return service
}

const services = new Map<string, string>()

/** One call that reaches the trails of several accounts has the same id in all of them besides each record's own. */
function sharedIdOf({ record }: CloudEvent): string | undefined {
  const id = isObject(record) ? record['sharedEventID'] : undefined
  return typeof id === 'string' && id !== '' ? id.slice(0, MAX_ID) : undefined
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

/** Writes what a finding says of attributes. What is certain of one of them is certain of the drift. */
export function writeChanges(finding: Draft, changes: readonly Change[]): void {
  const [pairs, deltas]: [Record<string, readonly [Json, Json]>, Record<string, Delta>] = [{}, {}]
  // A path begins with an attribute's name, so that none is `__proto__`.
  for (const { path, old, now, delta } of changes) {
    pairs[path] = [old, now]
    if (delta !== undefined) deltas[path] = delta
  }
  finding.changes = pairs
  finding.delta = deltas
  finding.verdict = verdictOf(changes)
}

export const verdictOf = (changes: readonly Change[]): Verdict =>
  changes.length > 0 && changes.every(({ suspected }) => suspected) ? 'suspected' : 'confirmed'

/** Writes of which attributes no record tells the new value. */
export function writeSuspected(finding: Draft, changes: readonly Change[]): void {
  const suspected = changes.filter((change) => change.suspected).map(({ path }) => path)
  if (suspected.length > 0) finding.suspected = suspected
}
