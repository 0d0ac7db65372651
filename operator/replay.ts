import { createHmac, randomBytes } from 'node:crypto'
import type { Measured } from '../enclave/adapters/rules.ts'
import { EventError, eventOf, parseRecord } from '../enclave/core/cloudtrail.ts'
import { detect, dismissal, type World } from '../enclave/core/detect.ts'
import { draft, rejected } from '../enclave/core/draft.ts'
import { parseDriftignore } from '../enclave/core/driftignore.ts'
import { createDrifts } from '../enclave/core/drifts.ts'
import type { CloudEvent } from '../enclave/core/event.ts'
import type { Finding, OutcomeName } from '../enclave/core/finding.ts'
import { UnreadRecord } from '../enclave/core/log_file.ts'
import { createSessions } from '../enclave/core/sessions.ts'
import type { State } from '../enclave/core/state.ts'
import { createStateIndex } from '../enclave/core/state_index.ts'
import type { AuditRecord } from './inputs.ts'

/** Every change of Terraform's waits, as long as the replay lasts. */
const HOLD_MS = 1

/** Of a call that touched several resources, what is counted: whatever a person would want to know first. */
const WEIGHT = [
  'tamper',
  'drift',
  'resolved',
  'unmanaged',
  'unmapped',
  'suppressed',
  'expected',
  'rejected',
  'ignored',
] as const satisfies readonly OutcomeName[]

/** What a replay counted: each record once. */
export interface Tally {
  readonly records: number
  readonly outcomes: ReadonlyMap<OutcomeName, number>
  /** Changes by Terraform that the given states do not show. */
  readonly held: number
  /** Calls that the catalog does not know, as `service name`. */
  readonly unmapped: ReadonlyMap<string, number>
}

/** What is told of each finding. Most are of no interest, and are not made before somebody reads them. */
export type Report = (outcome: OutcomeName, read: () => Finding, records: number) => void

/** Judges records in their order against states that do not move, and reports every finding. */
export async function replay(
  records: AsyncIterable<readonly AuditRecord[]>,
  world: World,
  report: Report,
): Promise<Tally> {
  const outcomes = new Map<OutcomeName, number>()
  const unmapped = new Map<string, number>()
  let [count, held] = [0, 0]

  const take = (finding: Finding): void => {
    if (finding.outcome !== 'ignored') world.drifts.record(finding)
    if (finding.outcome === 'unmapped') add(unmapped, `${finding.source} ${finding.event}`)
    report(finding.outcome, () => finding, count)
  }

  const ignore = (record: UnreadRecord, reason: string): void => {
    add(outcomes, 'ignored')
    report('ignored', () => draft(eventOf(record.read()), 'ignored', reason), count)
  }

  const judge = (event: CloudEvent): void => {
    world.sessions.record(event)
    const { kind, findings, touched } = detect(event, world, Date.parse(event.time)) // when it happened is now
    if (kind === 'held') held += 1
    world.drifts.touch(touched)
    findings.forEach(take)
    add(outcomes, WEIGHT.find((outcome) => findings.some((finding) => finding.outcome === outcome)) ?? 'ignored')
  }

  for await (const batch of records)
    for (const record of batch) {
      count += 1
      const dismissed = record instanceof UnreadRecord ? dismissalAtAGlance(record, world) : undefined
      if (record instanceof UnreadRecord && dismissed !== undefined) {
        ignore(record, dismissed)
        continue
      }
      const event = eventIn(record)
      if (event instanceof EventError) {
        take(rejected(`${event.code}: ${event.message}`))
        add(outcomes, 'rejected')
      } else judge(event)
    }
  return { records: count, outcomes, held, unmapped }
}

/** Sessions miss nothing by it: what gives out credentials answers with an object, and that is no glance. */
function dismissalAtAGlance({ glance, isTelling }: UnreadRecord, world: World): string | undefined {
  const event = isTelling ? attempted(eventOf, glance) : undefined
  return event === undefined || event instanceof EventError ? undefined : dismissal(event, world)
}

function eventIn(record: AuditRecord): CloudEvent | EventError {
  if (record instanceof EventError) return record
  return record instanceof UnreadRecord ? attempted(eventOf, record.read()) : attempted(parseRecord, record)
}

function attempted<T>(read: (record: T) => CloudEvent, record: T): CloudEvent | EventError {
  try {
    return read(record)
  } catch (error) {
    if (error instanceof EventError) return error
    throw error
  }
}

/** The world of a replay. Without `principals`, whoever calls himself Terraform is believed. */
export function replayWorld(
  { catalog, rules, writers = [] }: Pick<Measured, 'catalog' | 'rules'> & Partial<Measured>,
  states: readonly State[],
  principals: readonly string[],
  driftignore = '',
): World {
  const index = createStateIndex(catalog.types)
  for (const state of states) index.replace(state, 0)
  const allowed = principals.length > 0 ? principals : ['*']
  // Of this run alone: a plain hash of a short secret is as good as the secret.
  const key = randomBytes(32)
  return {
    catalog,
    rules,
    states: index,
    drifts: createDrifts(),
    principals: () => allowed,
    digest: (value) => `sha256:${createHmac('sha256', key).update(value).digest('hex')}`,
    holdMs: HOLD_MS,
    began: 0,
    sessions: createSessions(),
    writers,
    suppressions: [],
    driftignore: parseDriftignore(driftignore),
  }
}

const add = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
