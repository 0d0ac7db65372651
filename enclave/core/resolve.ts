import { placeInArn } from './arn.ts'
import type { Target, Touch } from './catalog.ts'
import type { ResourceRef } from './finding.ts'
import { isObject } from './json.ts'
import type { Owned, StateIndex } from './state_index.ts'

/** The resource that an event touches, in the form that its state keeps it in. */
export interface Resolved {
  readonly target: Target
  readonly ref: ResourceRef
  readonly account: string
  readonly region: string
  readonly owned: Owned | undefined
}

/** Finds the resource that a record names; undefined when the record names none. */
export function resolve({ event, targets }: Touch, states: StateIndex): Resolved | undefined {
  let first: Resolved | undefined
  for (const target of targets) {
    const type = target.type.name
    for (const id of target.identify(event)) {
      const arn = placeInArn(id)
      const [account, region] = [arn.account ?? event.account, arn.region ?? event.region]
      const owned = states.find({ cloud: event.cloud, account, region, type, id })
      if (owned !== undefined && isMeant(target, owned)) {
        const ref = { type, id: owned.id, address: owned.address, state: owned.state }
        return { target, ref, account, region, owned }
      }
      if (target.ifOwned !== true)
        first ??= { target, ref: { type, id, address: null, state: null }, account, region, owned: undefined }
    }
  }
  return first
}

function isMeant({ ifSet }: Target, { attributes }: Owned): boolean {
  if (ifSet === undefined) return true
  const value = attributes[ifSet] ?? null
  return isObject(value) && Object.keys(value).length > 0
}
