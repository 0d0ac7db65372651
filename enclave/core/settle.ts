import { kindOf, stateAt } from './compare.ts'
import type { World } from './detect.ts'
import { ownerOf, type OpenDrift } from './drifts.ts'
import { usualSeverity } from './enrich.ts'
import { quietOf } from './excuse.ts'
import type { Excuse, Finding, Withheld } from './finding.ts'
import { isSame } from './meaning.ts'
import { WHOLE } from './touches.ts'

/** What a state's new serial puts right. Like any finding, each goes to `drifts.record` once it is stored. */
export function settle(state: string, world: World, now: number): readonly Finding[] {
  const settled = world.drifts.openIn(state).filter((drift) => isSettled(drift, world))
  const reason = `serial ${world.states.serial(state)} of its state agrees`
  return byFinding(settled).map((group) => resolution(group, reason, now))
}

/** What time alone brings up: drift whose suppression has ended, and attributes that flapped and now rest as they should. */
export function awaken(world: World, now: number): readonly Finding[] {
  const open = world.drifts.openIn()
  const rested = open.filter((drift) => drift.isBack && !isFlapping(drift, world, now))
  const untold = open.filter((drift) => isUntold(drift, world, now) && !isFlapping(drift, world, now))
  return [
    ...byFinding(rested).map((group) => resolution(group, 'as the state says again, and at rest', now)),
    ...byFinding(untold).map(alert),
  ]
}

function isSettled({ path, now, finding }: OpenDrift, { states, catalog, digest }: World): boolean {
  const owner = ownerOf(finding)
  if (owner === undefined) return false
  const owned = states.at(owner.state, owner.address)
  if (owned === undefined || path === WHOLE) return owned === undefined
  const type = catalog.types.get(finding.resource?.type ?? '')
  if (type === undefined) return false
  const kind = kindOf(type, path) ?? 'string'
  const value = stateAt(type, owned, path, digest)
  const isUnknown = finding.verdict === 'suspected' && now === null
  // A value nobody saw cannot be compared; that Terraform wrote another one is all there will ever be to know.
  return isUnknown ? !isSame(kind, value, changeOf(finding, path)?.[0] ?? null) : isSame(kind, value, now)
}

function isFlapping({ path, finding }: OpenDrift, { drifts }: World, now: number): boolean {
  const owner = ownerOf(finding)
  return owner !== undefined && drifts.flap(owner.state, owner.address, path, now) !== undefined
}

/** Whether nobody was told of a drift, and nothing keeps it quiet any more. */
function isUntold({ path, excuse, finding }: OpenDrift, world: World, now: number): boolean {
  const { resource, account, actor } = finding
  if (excuse === undefined || resource === null) return false
  return quietOf({ resource, account, actor }, path === WHOLE ? null : path, world, now) === undefined
}

/** One group for each finding, and one more for what of it nobody was told. */
const byFinding = (drifts: readonly OpenDrift[]): readonly (readonly OpenDrift[])[] => [
  ...Map.groupBy(
    drifts,
    ({ finding, excuse }) => `${finding.eventId}\n${finding.resource?.address}\n${excuse === undefined}`,
  ).values(),
]

const changeOf = ({ changes, withheld = [] }: Finding, path: string) =>
  changes[path] ?? withheld.find((one) => one.path === path)?.change ?? undefined

type Told = Pick<Finding, 'changes' | 'delta'>

/** What a finding says of some of its paths, whether it was told or not. */
function changesOn(group: readonly OpenDrift[], finding: Finding): Told {
  const paths = group.map(({ path }) => path).filter((path) => path !== WHOLE)
  return {
    changes: Object.fromEntries(
      paths.flatMap((path) => {
        const change = changeOf(finding, path)
        return change === undefined ? [] : [[path, change] as const]
      }),
    ),
    delta: Object.fromEntries(
      paths.flatMap((path) => {
        const delta = finding.delta[path]
        return delta === undefined ? [] : [[path, delta] as const]
      }),
    ),
  }
}

function resolution(group: readonly OpenDrift[], reason: string, now: number): Finding {
  const finding = findingOf(group)
  const { withheld: _, supersedes: __, flapping: ___, dependents: ____, counted: _____, ...rest } = finding
  const told = changesOn(group, finding)
  const excuse = group[0]?.excuse
  const ended = {
    ...rest,
    time: new Date(now).toISOString(),
    severity: 'info',
    rules: [],
    reason,
    resolves: finding.eventId,
  } as const
  if (excuse === undefined) return { ...ended, outcome: 'resolved', ...told }
  return { ...ended, outcome: 'suppressed', changes: {}, delta: {}, withheld: withheldIn(group, told, excuse) }
}

function withheldIn(group: readonly OpenDrift[], { changes }: Told, excuse: Excuse): readonly Withheld[] {
  return group.map(({ path }) =>
    path === WHOLE ? { path: null, change: null, ...excuse } : { path, change: changes[path] ?? null, ...excuse },
  )
}

/** Told as if it happened now, under the event that it was. */
function alert(group: readonly OpenDrift[]): Finding {
  const finding = findingOf(group)
  const { withheld: _, ...rest } = finding
  const kind = finding.kind ?? 'changed'
  return {
    ...rest,
    ...changesOn(group, finding),
    outcome: 'drift',
    severity: usualSeverity('drift', kind),
    reason: 'what kept it quiet has ended, and it is still so',
  }
}

function findingOf(group: readonly OpenDrift[]): Finding {
  const [first] = group
  if (first === undefined) throw new TypeError('a group of drifts without one')
  return first.finding
}
