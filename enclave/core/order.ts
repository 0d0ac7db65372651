import type { Comparison, Current } from './compare.ts'
import type { Drifts } from './drifts.ts'
import type { CloudEvent } from './event.ts'
import type { Call } from './case.ts'
import type { Owned } from './state_index.ts'
import type { Run } from './terraform.ts'
import { WHOLE, type Moment, type Touched } from './touches.ts'

export const momentOf = ({ id, time }: CloudEvent, { state, address }: Owned): Moment => ({
  state,
  address,
  event: id,
  time: Date.parse(time),
})

/** What a call set that nothing later has set again. Of Terraform's steps towards its state only the last has to agree. */
export function inTime({ touched, changes }: Comparison, moment: Moment, run: Run, { touches }: Drifts): Comparison {
  const later = touches.since(moment)
  const isInTime = (path: string): boolean => (run === 'terraform' ? !later.isFollowed(path) : !later.isLate(path))
  return { touched: touched.filter(isInTime), changes: changes.filter(({ path }) => isInTime(path)) }
}

/** Whether all that a call did was undone or done over before its event came. */
export function isOvertaken(call: Call, all: Comparison, moment: Moment, { touches }: Drifts): boolean {
  // What was written later is there: whoever deleted it, it has been made again since.
  if (call.target.effect === 'delete')
    return (touches.last(moment.state, moment.address) ?? Number.NEGATIVE_INFINITY) > moment.time
  return all.touched.length > 0 && call.comparison.touched.length === 0
}

/** What a call wrote. A value that joins or leaves a set is not written over by another that does, so those are apart. */
export function touchedBy({ target, comparison }: Call, moment: Moment, isHeld: boolean): Touched {
  const isPart = (path: string): boolean => target.add.has(path) || target.remove.has(path)
  const whole = comparison.touched.filter((path) => !isPart(path))
  const paths = target.effect === 'create' || target.effect === 'delete' ? [WHOLE, ...whole] : whole
  return { ...moment, paths, parts: comparison.touched.filter(isPart), isHeld }
}

/** What the open drifts left of a resource: a value that joins a set, or leaves it, finds the others there. */
export function asItIs({ state, address }: Owned, drifts: Drifts): Current {
  return (path) => drifts.open(state, address).find((drift) => drift.path === path)?.now ?? undefined
}
