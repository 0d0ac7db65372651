import type { Effect, Target, Touch } from './catalog.ts'
import { compare, isLeft, type Comparison, type Current } from './compare.ts'
import { draft, writeChanges, writeSuspected } from './draft.ts'
import type { CloudEvent } from './event.ts'
import { excuseOf, quietOf } from './excuse.ts'
import type { Draft, Finding, Kind } from './finding.ts'
import { importBlock } from './import_block.ts'
import type { Call, Ground } from './case.ts'
import { judgeManaged, RUNS } from './managed.ts'
import { asItIs, inTime, isOvertaken, momentOf, touchedBy } from './order.ts'
import { resolve, type Resolved } from './resolve.ts'
import type { Owned } from './state_index.ts'
import { runOf } from './terraform.ts'
import type { Touched } from './touches.ts'
import { wait, type Waited } from './wait.ts'

/** The findings on one resource. With `until` they are provisional: the event is to be judged again, and by then at last. */
export interface Judgement extends Waited {
  /** What the event wrote: goes to `drifts.touch`. */
  readonly touched?: Touched
}

const NO_CHANGE: Comparison = { touched: [], changes: [] }
const KINDS: Readonly<Record<Effect, Kind>> = {
  change: 'changed',
  create: 'created',
  put: 'created',
  delete: 'deleted',
}

/** Judges what an event did to one resource. */
export function judge({ event, targets }: Touch, ground: Ground, now: number): Judgement {
  const resolved = resolve({ event, targets }, ground.states)
  if (resolved === undefined)
    return { findings: [draft(event, 'unmapped', 'not checked: the record does not name the resource')] }
  const { ref, account, region, owned } = resolved
  const current = owned && asItIs(owned, ground.drifts)
  const target = inPart(resolved, event, current)
  const { run, states } = runOf(event, owned === undefined ? ground.states.names() : [owned.state], ground.principals)
  const comparison = target.effect === 'delete' ? NO_CHANGE : compare(target, event, owned, ground.digest, current)
  const subject = { resource: ref, account, region, actor: event.actor }
  const call: Call = { event, target, subject, run, comparison, now }
  return owned === undefined
    ? wait([judgeUnmanaged(call, ground)], call, states, ground)
    : judgeOwned(call, owned, ground)
}

/** A deletion that leaves some of what the resource stands for changes it. */
function inPart({ target, owned }: Resolved, event: CloudEvent, current: Current | undefined): Target {
  const isPart = target.effect === 'delete' && owned !== undefined && current !== undefined
  return isPart && isLeft(target, event, owned, current) ? { ...target, effect: 'change' } : target
}

function judgeOwned(all: Call, owned: Owned, ground: Ground): Judgement {
  const { event, run, subject, comparison } = all
  const moment = momentOf(event, owned)
  const call: Call = { ...all, comparison: inTime(comparison, moment, run, ground.drifts) }
  if (isOvertaken(call, comparison, moment, ground.drifts)) {
    const outcome = run === 'terraform' ? 'expected' : 'ignored'
    return { findings: [draft(event, outcome, 'a later event has written over this', subject)] }
  }
  const findings = judgeManaged(call, owned, moment, ground)
  for (const finding of findings) if (finding.outcome === 'drift') writeDependents(finding, owned, ground)
  const waited = wait(findings, call, [owned.state], ground)
  return { ...waited, touched: touchedBy(call, moment, waited.until !== undefined) }
}

function judgeUnmanaged(call: Call, ground: Ground): Finding {
  const { event, target, run, subject, comparison, now } = call
  const isOver = target.effect === 'delete' || comparison.changes.length === 0
  if (run === 'terraform' && isOver)
    return draft(event, 'expected', "Terraform's own run, and no state has it any more", subject)
  const excuse = run === 'other' ? excuseOf(event, subject, null, ground, now) : quietOf(subject, null, ground, now)
  const kind = KINDS[target.effect]
  if (excuse !== undefined) {
    const outcome = excuse.by === 'writer' ? 'expected' : 'suppressed'
    const withheld = [{ path: null, change: null, ...excuse }]
    return { ...draft(event, outcome, excuse.reason, subject), kind, withheld }
  }
  const { reason = 'no known state has this resource' } = RUNS[run]
  const finding = draft(event, 'unmanaged', reason, subject)
  finding.kind = kind
  writeChanges(finding, comparison.changes)
  finding.verdict = null
  writeSuspected(finding, comparison.changes)
  const block = kind === 'created' ? importBlock(target.type, subject.resource.id, comparison.changes) : undefined
  if (block !== undefined) finding.import = block
  return finding
}

function writeDependents(finding: Draft, { state, address }: Owned, { states }: Ground): void {
  const dependents = states.dependents(state, address)
  if (dependents !== undefined) finding.dependents = dependents
}
