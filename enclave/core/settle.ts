import { kindOf, stateAt } from './compare.ts'
import type { World } from './detect.ts'
import { ownerOf, WHOLE, type OpenDrift } from './drifts.ts'
import type { Finding } from './finding.ts'
import { isSame } from './meaning.ts'

/** What a state's new serial puts right. Like any finding, each goes to `drifts.record` once it is stored. */
export function settle(state: string, world: World, now: number): readonly Finding[] {
  const settled = world.drifts.openIn(state).filter((drift) => isSettled(drift, world))
  const byEvent = Map.groupBy(settled, ({ finding }) => `${finding.eventId}\n${finding.resource?.address}`)
  return Array.from(byEvent.values(), (group) => resolution(group, world.states.serial(state), now)).flat()
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
  return isUnknown ? !isSame(kind, value, finding.changes[path]?.[0] ?? null) : isSame(kind, value, now)
}

function resolution(group: readonly OpenDrift[], serial: number | undefined, now: number): readonly Finding[] {
  const [first] = group
  if (first === undefined) return []
  const { finding } = first
  const pick = <T>(members: { readonly [path: string]: T }): { readonly [path: string]: T } =>
    Object.fromEntries(Object.entries(members).filter(([path]) => group.some((drift) => drift.path === path)))
  return [
    {
      ...finding,
      outcome: 'resolved',
      time: new Date(now).toISOString(),
      changes: pick(finding.changes),
      delta: pick(finding.delta),
      severity: 'info',
      rules: [],
      reason: `serial ${serial} of its state agrees`,
      resolves: finding.eventId,
    },
  ]
}
