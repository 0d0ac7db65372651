import type { Effect, Target } from './catalog.ts'
import { compare, type Comparison } from './compare.ts'
import { changesOf, draft } from './draft.ts'
import type { CloudEvent } from './event.ts'
import type { Finding, Kind } from './finding.ts'
import { judgeManaged, RUNS, type Call, type Ground } from './managed.ts'
import { resolve } from './resolve.ts'
import { runOf, waiting } from './terraform.ts'

/** The findings on one resource. With `until` they are provisional: the event is to be judged again, and by then at last. */
export interface Judgement {
  readonly findings: readonly Finding[]
  readonly until?: number
}

const NO_CHANGE: Comparison = { touched: [], changes: [] }
const KINDS: Readonly<Record<Effect, Kind>> = {
  change: 'changed',
  create: 'created',
  put: 'created',
  delete: 'deleted',
}

/** Judges what an event did to one resource. */
export function judge(event: CloudEvent, target: Target, ground: Ground, now: number): Judgement {
  const resolved = resolve(event, target, ground.states)
  if (resolved === undefined)
    return { findings: [draft(event, 'unmapped', 'not checked: the record does not name the resource')] }
  const { ref: resource, account, region, owned } = resolved
  const { run, states } = runOf(event, owned === undefined ? ground.states.names() : [owned.state], ground.principals)
  const comparison = target.effect === 'delete' ? NO_CHANGE : compare(target, event, owned, ground.digest)
  const call: Call = { event, target, run, comparison }
  const findings = owned === undefined ? [judgeUnmanaged(call)] : judgeManaged(call, owned, ground)
  const place = (finding: Finding): Finding => ({ ...finding, resource, account, region })
  const expected = (reason: string) => [place(draft(event, 'expected', reason))]
  if (run !== 'terraform' || !findings.some(isAlarm)) return { findings: findings.map(place) }
  const wait = waiting(event, states, ground.states, { now, holdMs: ground.holdMs })
  if (wait.kind === 'held')
    return { findings: expected("Terraform's own run; the state does not show it yet"), until: wait.until }
  // What Terraform deletes leaves the state with it. A state written since that has it was given a new one.
  if (wait.kind === 'moved' && target.effect === 'delete')
    return { findings: expected("Terraform's own run, which made the resource again") }
  return { findings: findings.map(place) }
}

const isAlarm = ({ outcome }: Finding): boolean => outcome === 'drift' || outcome === 'unmanaged'

function judgeUnmanaged({ event, target, run, comparison }: Call): Finding {
  const isOver = target.effect === 'delete' || comparison.changes.length === 0
  if (run === 'terraform' && isOver)
    return draft(event, 'expected', "Terraform's own run, and no state has it any more")
  const { reason = 'no known state has this resource' } = RUNS[run]
  const kind = KINDS[target.effect]
  return { ...draft(event, 'unmanaged', reason), kind, ...changesOf(comparison.changes), verdict: null }
}
