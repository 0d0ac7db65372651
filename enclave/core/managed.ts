import type { Target } from './catalog.ts'
import { kindOf, stateAt, type Change, type Comparison, type Digest } from './compare.ts'
import { changesOf, draft } from './draft.ts'
import { WHOLE, type Drifts, type OpenDrift } from './drifts.ts'
import type { CloudEvent } from './event.ts'
import type { Finding, Severity, Verdict } from './finding.ts'
import { isSame } from './meaning.ts'
import { isInside } from './path.ts'
import type { Owned, StateIndex } from './state_index.ts'
import type { Principals, Run } from './terraform.ts'

/** What a judgement rests on besides the event. */
export interface Ground {
  readonly states: StateIndex
  readonly drifts: Drifts
  readonly principals: Principals
  readonly digest: Digest
  /** How long a change of Terraform's may wait for its state. */
  readonly holdMs: number
}

/** One event's effect on one resource, compared. */
export interface Call {
  readonly event: CloudEvent
  readonly target: Target
  readonly run: Run
  readonly comparison: Comparison
}

/** Why a difference is reported, where the caller has a part in it; and what it weighs at least. */
export const RUNS: Readonly<Record<Run, { readonly reason?: string; readonly severity: Severity }>> = {
  other: { severity: 'info' },
  terraform: { reason: 'applied by Terraform, but not in its state', severity: 'info' },
  unapproved: { reason: 'calls itself Terraform, but this principal is not approved to run it here', severity: 'high' },
}

const DIFFERS: Readonly<Record<Verdict, string>> = {
  confirmed: 'the new value is not the one in the state',
  suspected: 'the call sets this, but the record does not show to what',
}

/** Judges a call on a resource that a state owns: at most one drift, and one `resolved` for each drift that it ends. */
export function judgeManaged(call: Call, owned: Owned, { drifts, digest }: Ground): readonly Finding[] {
  const { event, target, run, comparison } = call
  const open = drifts.open(owned.state, owned.address)
  if (target.effect === 'delete') return [judgeDeletion(call, open)]
  const ended = open.filter((drift) => isEnded(drift, target, comparison))
  const resolved = [...Map.groupBy(ended, ({ finding }) => finding.eventId).values()].map((group) =>
    resolution(call, group, (path) => stateAt(target.type, owned, path, digest)),
  )
  const known = comparison.changes.flatMap((change) => open.find((drift) => isReported(change, drift, target)) ?? [])
  if (known.length < comparison.changes.length || run === 'unapproved') return [report(call, 'changed'), ...resolved]
  if (resolved.length > 0) return resolved
  if (known[0] !== undefined) return [repeat(call, known[0])]
  if (run === 'terraform') return [draft(event, 'expected', "Terraform's own run, and the state agrees")]
  return [draft(event, 'ignored', 'changes nothing: the state already says so')]
}

function judgeDeletion(call: Call, open: readonly OpenDrift[]): Finding {
  const gone = open.find(({ path }) => path === WHOLE)
  if (gone !== undefined) return repeat(call, gone)
  return report(call, 'deleted')
}

function report({ event, run, comparison }: Call, kind: 'changed' | 'deleted'): Finding {
  const changes = changesOf(comparison.changes)
  const usual = kind === 'deleted' ? 'deleted, and the state still has it' : DIFFERS[changes.verdict]
  const { reason = usual, severity } = RUNS[run]
  return { ...draft(event, 'drift', reason), ...changes, kind, severity }
}

const repeat = ({ event }: Call, { finding }: OpenDrift): Finding =>
  draft(event, 'ignored', `already reported by event ${finding.eventId}`)

/** Whether a call puts a drift right: it sets that attribute, and to what the state holds; or it brings the resource back. */
function isEnded(drift: OpenDrift, { effect }: Target, { touched, changes }: Comparison): boolean {
  if (drift.path === WHOLE) return effect === 'create' || effect === 'put'
  return touched.some((path) => isInside(drift.path, path)) && !changes.some(({ path }) => path === drift.path)
}

function isReported(change: Change, drift: OpenDrift, { type }: Target): boolean {
  return drift.path === change.path && isSame(kindOf(type, change.path) ?? 'string', drift.now, change.now)
}

/** `group` holds the drifts that one earlier event opened. */
function resolution(
  { event }: Call,
  group: readonly OpenDrift[],
  stateValue: (path: string) => Finding['changes'][string][0],
): Finding {
  const opened = group[0]?.finding.eventId ?? ''
  const back = group.filter(({ path }) => path !== WHOLE)
  return {
    ...draft(event, 'resolved', 'as the state says again'),
    kind: back.length === 0 ? 'created' : 'changed',
    changes: Object.fromEntries(back.map(({ path, now }) => [path, [now, stateValue(path)] as const])),
    resolves: opened,
  }
}
