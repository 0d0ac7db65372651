import { blockIn } from './blocks.ts'
import { kindOf, stateAt } from './compare.ts'
import { draft } from './draft.ts'
import type { OpenDrift } from './drifts.ts'
import type { Draft, Excuse } from './finding.ts'
import type { Json } from './json.ts'
import type { Case } from './case.ts'
import { isSame } from './meaning.ts'
import { isInside, keyPath, splitPath, valueAt } from './path.ts'
import { WHOLE } from './touches.ts'
import { excuseOfFlap, flapOf, type Weighed } from './weigh.ts'

/** One open drift that a call ends. */
interface Ending {
  readonly drift: OpenDrift
  /** The value that it ends with. */
  readonly back: Json
  /** The writer whose the attribute is, if it is not as the state says. */
  readonly writer: Excuse | undefined
  /** Why nobody is told. */
  readonly excuse: Excuse | undefined
}

/**
 * What a call puts right: it sets an attribute to what the state holds, or brings the resource back. One finding for each
 * earlier event whose drifts end, and one more where nobody was told of some of them.
 */
export function endings(given: Case, weighed: readonly Weighed[]): readonly Draft[] {
  if (given.open.length === 0) return [] // as for most
  const ended = given.open
    .filter((drift) => isEnded(drift, given, weighed))
    .map((drift) => ending(drift, given, weighed))
  const groups = Map.groupBy(ended, ({ drift, excuse }) => `${drift.finding.eventId}\n${excuse === undefined}`)
  return Array.from(groups.values(), (group) => resolution(given, group))
}

function isEnded(drift: OpenDrift, given: Case, weighed: readonly Weighed[]): boolean {
  const { call, moment, ground } = given
  const { target, comparison } = call
  if (ground.drifts.touches.since(moment).isLate(drift.path)) return false
  if (drift.path === WHOLE) return target.effect === 'create' || target.effect === 'put'
  // A block that goes takes an argument of it along, and is not back as long as one of them is not.
  const isOn = (path: string): boolean => isInside(path, drift.path) || isInside(drift.path, path)
  const differs = weighed.some(({ change, excuse }) => isOn(change.path) && excuse?.by !== 'writer')
  if (drift.isBack || differs) return false
  return comparison.touched.some((path) => isInside(drift.path, path)) || isUndone(drift, given)
}

/** Whether a block that had come or gone has not, or has, again: each of its arguments is set by itself. */
function isUndone({ path, now }: OpenDrift, { call, owned }: Case): boolean {
  const { target, comparison } = call
  const block = blockIn(valueAt(owned.attributes, splitPath(path))) ?? blockIn(now)
  if (block === undefined || target.type.attributes.get(path)?.isSingle !== true) return false
  return Object.entries(block).every(([name, value]) => {
    const argument = keyPath(path, name)
    const isSet = comparison.touched.some((touched) => isInside(touched, argument))
    return isSet || isSame(kindOf(target.type, argument) ?? 'string', value, null)
  })
}

function ending(drift: OpenDrift, given: Case, weighed: readonly Weighed[]): Ending {
  const { call, owned, ground } = given
  if (drift.path === WHOLE) return { drift, back: null, writer: undefined, excuse: drift.excuse }
  const written = weighed.find(({ change }) => change.path === drift.path)
  const flap = flapOf(given, drift.path)
  return {
    drift,
    back: written?.change.now ?? stateAt(call.target.type, owned, drift.path, ground.digest),
    writer: written?.excuse,
    excuse: drift.excuse ?? (flap?.reportedBy === undefined ? undefined : excuseOfFlap(flap)),
  }
}

function resolution({ call: { event, subject } }: Case, group: readonly Ending[]): Draft {
  const paths = group.filter(({ drift }) => drift.path !== WHOLE)
  const kind = paths.length === 0 ? 'created' : 'changed'
  const [first] = group
  const resolves = first?.drift.finding.eventId ?? ''
  const withheld = group.flatMap(({ drift, back, excuse }) => {
    if (excuse === undefined) return []
    const isWhole = drift.path === WHOLE
    return [{ path: isWhole ? null : drift.path, change: isWhole ? null : ([drift.now, back] as const), ...excuse }]
  })
  const [quiet] = withheld
  if (quiet !== undefined) return { ...draft(event, 'suppressed', quiet.reason, subject), kind, resolves, withheld }
  const writer = group.find((one) => one.writer !== undefined)?.writer
  const reason = writer === undefined ? 'as the state says again' : `now as ${writer.name} set it, which may`
  const changes = Object.fromEntries(paths.map(({ drift, back }) => [drift.path, [drift.now, back] as const]))
  return { ...draft(event, 'resolved', reason, subject), kind, changes, resolves }
}
