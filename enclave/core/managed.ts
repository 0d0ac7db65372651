import type { Call, Case, Ground } from './case.ts'
import { draft, verdictOf, writeChanges, writeSuspected } from './draft.ts'
import type { OpenDrift } from './drifts.ts'
import { endings } from './endings.ts'
import { quietOf } from './excuse.ts'
import type { Draft, Severity, Verdict } from './finding.ts'
import type { Owned } from './state_index.ts'
import type { Run } from './terraform.ts'
import { WHOLE, type Moment } from './touches.ts'
import { weigh, withheldOf, type Weighed } from './weigh.ts'

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

/** At most one finding about what differs, and one for each earlier event whose drifts end. */
export function judgeManaged(call: Call, owned: Owned, moment: Moment, ground: Ground): readonly Draft[] {
  const given: Case = { call, owned, moment, ground, open: ground.drifts.open(owned.state, owned.address) }
  if (call.target.effect === 'delete') return [judgeDeletion(given)]
  const weighed = call.comparison.changes.map((change) => weigh(change, given))
  const difference = isNews(call, weighed) ? [differenceOf(call, weighed)] : []
  const said = [...difference, ...endings(given, weighed)]
  return said.length > 0 ? said : [nothingNew(call, weighed)]
}

function judgeDeletion({ call, open, ground }: Case): Draft {
  const { event, subject, run, now } = call
  const excuse = quietOf(subject, null, ground, now)
  const gone = open.find(({ path }) => path === WHOLE)
  if (gone !== undefined && (gone.excuse === undefined || excuse !== undefined)) return repeat(call, gone)
  if (excuse !== undefined) {
    const withheld = [{ path: null, change: null, ...excuse }]
    return { ...draft(event, 'suppressed', excuse.reason, subject), kind: 'deleted', verdict: 'confirmed', withheld }
  }
  const { reason = 'deleted, and the state still has it', severity } = RUNS[run]
  const told = open.filter((drift) => drift.path !== WHOLE && drift.excuse === undefined)
  const supersedes = [...new Set(told.map(({ finding }) => finding.eventId))]
  const deletion = {
    ...draft(event, 'drift', reason, subject),
    kind: 'deleted',
    verdict: 'confirmed',
    severity,
  } as const
  return supersedes.length > 0 ? { ...deletion, supersedes } : deletion
}

const isLoud = ({ excuse }: Weighed): boolean => excuse === undefined
const isAlert = (run: Run, weighed: readonly Weighed[]): boolean =>
  run === 'unapproved' || weighed.some((one) => isLoud(one) && one.known === undefined)

/** Whether anything differs that was not said before. */
const isNews = ({ run }: Call, weighed: readonly Weighed[]): boolean =>
  isAlert(run, weighed) || weighed.some(({ excuse, known }) => excuse !== undefined && excuse.by !== 'writer' && !known)

/** A drift with all that is new and may be told, or where none of it may, what is kept quiet. */
function differenceOf({ event, run, subject }: Call, all: readonly Weighed[]): Draft {
  // What an earlier call changed, and this one only says again, is that one's.
  const isRepeat = (one: Weighed): boolean => isLoud(one) && one.known !== undefined && !one.change.suspected
  const weighed = run === 'unapproved' ? all : all.filter((one) => !isRepeat(one))
  const [loud, quiet] = [weighed.filter(isLoud), weighed.filter((one) => !isLoud(one))]
  const withheld = withheldOf(quiet)
  const changes = weighed.map(({ change }) => change)
  if (!isAlert(run, weighed)) {
    const reason = withheld.find(({ by }) => by !== 'writer')?.reason ?? ''
    const finding = draft(event, 'suppressed', reason, subject)
    finding.kind = 'changed'
    finding.verdict = verdictOf(quiet.map(({ change }) => change))
    writeSuspected(finding, changes)
    finding.withheld = withheld
    return finding
  }
  const told = quiet.length === 0 ? changes : loud.map(({ change }) => change)
  const { reason = DIFFERS[verdictOf(told)], severity } = RUNS[run]
  const finding = draft(event, 'drift', reason, subject)
  finding.kind = 'changed'
  finding.severity = severity
  writeChanges(finding, told)
  writeSuspected(finding, changes)
  if (withheld.length > 0) finding.withheld = withheld
  const flapping = loud.flatMap(({ change: { path }, flap }) =>
    flap === undefined ? [] : [[path, { transitions: flap.transitions, since: new Date(flap.since).toISOString() }]],
  )
  if (flapping.length > 0) finding.flapping = Object.fromEntries(flapping)
  return finding
}

function nothingNew(call: Call, weighed: readonly Weighed[]): Draft {
  const { event, run, subject } = call
  const known = weighed.find((one) => one.known !== undefined)?.known
  if (known !== undefined) return repeat(call, known)
  const withheld = withheldOf(weighed)
  const [writer] = withheld
  if (writer !== undefined) return { ...draft(event, 'expected', writer.reason, subject), kind: 'changed', withheld }
  if (run === 'terraform') return draft(event, 'expected', "Terraform's own run, and the state agrees", subject)
  return draft(event, 'ignored', 'changes nothing: the state already says so', subject)
}

const repeat = ({ event, subject }: Call, { finding }: OpenDrift): Draft =>
  draft(event, 'ignored', `already reported by event ${finding.eventId}`, subject)
