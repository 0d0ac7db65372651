import { placeInArn } from './arn.ts'
import type { Target } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import type { ResourceRef } from './finding.ts'
import { readPlace } from './reader.ts'
import type { Owned, StateIndex } from './state_index.ts'

/** The resource that an event touches, and what a state knows of it. */
export interface Resolved {
  readonly ref: ResourceRef
  readonly account: string
  readonly region: string
  readonly owned: Owned | undefined
}

/** Finds the resource that a record names; undefined when the record names none. */
export function resolve(event: CloudEvent, target: Target, states: StateIndex): Resolved | undefined {
  const type = target.type.name
  for (const { from, after } of target.identity) {
    const value = readPlace(event, from)
    if (typeof value !== 'string' || value === '') continue
    const cut = after === undefined ? 0 : value.indexOf(after)
    if (cut < 0) continue
    const id = value.slice(cut + (after?.length ?? 0))
    const arn = placeInArn(value)
    const [account, region] = [arn.account ?? event.account, arn.region ?? event.region]
    const owned = states.find({ cloud: event.cloud, account, region, type, id })
    const ref = { type, id: owned?.id ?? id, address: owned?.address ?? null, state: owned?.state ?? null }
    return { ref, account, region, owned }
  }
  return undefined
}
