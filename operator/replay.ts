import { createHmac, randomBytes } from 'node:crypto'
import type { Measured } from '../enclave/adapters/rules.ts'
import { EventError, parseRecord } from '../enclave/core/cloudtrail.ts'
import { detect, type Decision, type World } from '../enclave/core/detect.ts'
import { rejected } from '../enclave/core/draft.ts'
import { parseDriftignore } from '../enclave/core/driftignore.ts'
import { createDrifts } from '../enclave/core/drifts.ts'
import type { Finding, OutcomeName } from '../enclave/core/finding.ts'
import type { Json } from '../enclave/core/json.ts'
import { createSessions } from '../enclave/core/sessions.ts'
import type { State } from '../enclave/core/state.ts'
import { createStateIndex } from '../enclave/core/state_index.ts'

/** Every change of Terraform's waits, as long as the replay lasts. */
const HOLD_MS = 1

/** What a replay counted. */
export interface Tally {
  readonly records: number
  readonly outcomes: ReadonlyMap<OutcomeName, number>
  /** Changes by Terraform that the given states do not show. */
  readonly held: number
  /** Calls that the catalog does not know, as `service name`. */
  readonly unmapped: ReadonlyMap<string, number>
}

/** Judges records in their order against states that do not move, and reports every finding. */
export async function replay(
  records: AsyncIterable<Json | EventError>,
  world: World,
  report: (finding: Finding, records: number) => void,
): Promise<Tally> {
  const outcomes = new Map<OutcomeName, number>()
  const unmapped = new Map<string, number>()
  let [count, held] = [0, 0]
  for await (const record of records) {
    count += 1
    const decision = decide(record, world)
    if (decision.kind === 'held') held += 1
    world.drifts.touch(decision.touched)
    for (const finding of decision.findings) {
      if (finding.outcome !== 'ignored') world.drifts.record(finding)
      add(outcomes, finding.outcome)
      if (finding.outcome === 'unmapped') add(unmapped, `${finding.source} ${finding.event}`)
      report(finding, count)
    }
  }
  return { records: count, outcomes, held, unmapped }
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
    sessions: createSessions(),
    writers,
    suppressions: [],
    driftignore: parseDriftignore(driftignore),
  }
}

function decide(record: Json | EventError, world: World): Omit<Decision, 'until'> {
  try {
    if (record instanceof EventError) throw record
    const event = parseRecord(record)
    world.sessions.record(event)
    return detect(event, world, Date.parse(event.time)) // the moment at which it happened is now
  } catch (error) {
    if (error instanceof EventError)
      return { kind: 'judged', findings: [rejected(`${error.code}: ${error.message}`)], touched: [] }
    throw error
  }
}

const add = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
