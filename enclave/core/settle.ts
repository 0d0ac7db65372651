import { kindOf, stateAt } from './compare.ts'
import type { World } from './detect.ts'
import { ownerOf, type OpenDrift } from './drifts.ts'
import { usualSeverity } from './enrich.ts'
import { quietOf } from './excuse.ts'
import type { Excuse, Finding, Withheld } from './finding.ts'
import { isSame } from './meaning.ts'
import type { Owned } from './state_index.ts'
import { WHOLE } from './touches.ts'

/** What a state's new serial puts right. Like any finding, each goes to `drifts.record` once it is stored. */
export function settle(state: string, world: World, now: number): readonly Finding[] {
  const open = world.drifts.openIn(state)
  const settled = open.filter((drift) => isSettled(drift, world))
  const reason = `serial ${world.states.serial(state)} of its state agrees`
  const left = open.filter((drift) => !settled.includes(drift) && isMoved(drift, world))
  return [
    ...byFinding(settled).map((group) => resolution(group, reason, now)),
    ...byFinding(left).flatMap((group) => [
      resolution(group, 'its resource has another address now, and is told under that', now),
      moved(group, world),
    ]),
  ]
}

/** What time alone brings up: drift whose suppression has ended, and attributes that flapped and now rest as they should. */
export function awaken(world: World, now: number): readonly Finding[] {
  const open = world.drifts.openIn()
  const rested = open.filter((drift) => drift.isBack && !isFlapping(drift, world, now))
  const untold = open.filter((drift) => isUntold(drift, world, now) && !isFlapping(drift, world, now))
  return [
    ...byFinding(rested).map((group) => resolution(group, 'as the state says again, and at rest', now)),
    ...byFinding(untold).map((group) => alert(group, 'what kept it quiet has ended, and it is still so')),
  ]
}

function isSettled(drift: OpenDrift, world: World): boolean {
  const { path, now, finding } = drift
  const { catalog, digest } = world
  if (ownerOf(finding) === undefined) return false
  const owned = ownedNow(drift, world)
  if (owned === undefined || path === WHOLE) return owned === undefined
  const type = catalog.types.get(finding.resource?.type ?? '')
  if (type === undefined) return false
  const kind = kindOf(type, path) ?? 'string'
  const value = stateAt(type, owned, path, digest)
  const isUnknown = now === null && finding.suspected?.includes(path) === true
  // A value nobody saw cannot be compared; that Terraform wrote another one is all there will ever be to know.
  return isUnknown ? !isSame(kind, value, changeOf(finding, path)?.[0] ?? null) : isSame(kind, value, now)
}

/** Where a state has the drifted resource by now: a `moved` block, or another state, gives it another address. */
function ownedNow({ finding, excuse }: OpenDrift, { states }: World): Owned | undefined {
  const owner = ownerOf(finding)
  const { cloud, account, region, resource } = finding
  if (owner === undefined || resource === null) return undefined
  const here = states.at(owner.state, owner.address)
  // Of what is kept quiet nobody has to be told that it moved.
  if (here !== undefined || excuse !== undefined) return here
  return states.find({ cloud, account, region, type: resource.type, id: resource.id })
}

function isMoved(drift: OpenDrift, world: World): boolean {
  const owned = ownedNow(drift, world)
  const owner = ownerOf(drift.finding)
  return owned !== undefined && (owned.state !== owner?.state || owned.address !== owner.address)
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
    verdict: null,
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

/** The same drift, of the resource at the address that it has now. */
function moved(group: readonly OpenDrift[], world: World): Finding {
  const [drift] = group
  const owned = drift && ownedNow(drift, world)
  const finding = alert(group, 'still so at the address that its resource has now')
  if (owned === undefined || finding.resource === null) return finding
  return { ...finding, resource: { ...finding.resource, address: owned.address, state: owned.state } }
}

/** Told as if it happened now, under the event that it was. */
function alert(group: readonly OpenDrift[], reason: string): Finding {
  const finding = findingOf(group)
  const { withheld: _, ...rest } = finding
  const kind = finding.kind ?? 'changed'
  return {
    ...rest,
    ...changesOn(group, finding),
    outcome: 'drift',
    severity: usualSeverity('drift', kind),
    reason,
  }
}

function findingOf(group: readonly OpenDrift[]): Finding {
  const [first] = group
  if (first === undefined) throw new TypeError('a group of drifts without one')
  return first.finding
}
