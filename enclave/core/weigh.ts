import { kindOf, type Change } from './compare.ts'
import type { OpenDrift } from './drifts.ts'
import { excuseOf, quietOf } from './excuse.ts'
import type { Excuse, Withheld } from './finding.ts'
import type { Flap } from './flapping.ts'
import type { Case } from './case.ts'
import { isSame } from './meaning.ts'

/** A change, and what keeps it from alerting or makes it alert in another way. */
export interface Weighed {
  readonly change: Change
  readonly excuse: Excuse | undefined
  readonly flap: Flap | undefined
  /** It was reported as it is, or kept quiet as it would be again. */
  readonly known: OpenDrift | undefined
}

export function weigh(change: Change, given: Case): Weighed {
  const { event, subject, run, now } = given.call
  // What waited in vain for Terraform's state, or only calls itself Terraform, is no writer's.
  const declared =
    run === 'other'
      ? excuseOf(event, subject, change.path, given.ground, now)
      : quietOf(subject, change.path, given.ground, now)
  const flap = flapOf(given, change.path)
  const flaps = flap?.reportedBy !== undefined && flap.knows(change.now)
  const excuse = declared ?? (flaps ? excuseOfFlap(flap) : undefined)
  const same = given.open.find((drift) => isReported(change, drift, given))
  const known = same !== undefined && (same.excuse === undefined || excuse !== undefined) ? same : undefined
  return { change, excuse, flap, known }
}

export const flapOf = ({ moment: { state, address, time }, ground }: Case, path: string): Flap | undefined =>
  ground.drifts.flap(state, address, path, time)

export const excuseOfFlap = ({ reportedBy = '', transitions }: Flap): Excuse => ({
  by: 'flapping',
  name: reportedBy,
  reason: `comes and goes, ${transitions} times by now`,
})

export const withheldOf = (weighed: readonly Weighed[]): readonly Withheld[] =>
  weighed.flatMap(({ change: { path, old, now }, excuse }) =>
    excuse === undefined ? [] : [{ path, change: [old, now] as const, ...excuse }],
  )

function isReported(change: Change, drift: OpenDrift, { call }: Case): boolean {
  if (drift.path !== change.path || drift.isBack) return false
  return isSame(kindOf(call.target.type, change.path) ?? 'string', drift.now, change.now)
}
