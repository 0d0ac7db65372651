import { placeInArn } from './arn.ts'
import type { ResourceType } from './catalog.ts'
import type { Cloud } from './event.ts'
import type { JsonObject } from './json.ts'
import type { Instance, State } from './state.ts'

/** Where neither the resource nor its provider tells: matches every account or region. */
const ANY = '*'

/** What an event says about the resource that it touched. */
export interface Identifier {
  readonly cloud: Cloud
  readonly account: string
  readonly region: string
  readonly type: string
  /** Its id, name or ARN. */
  readonly id: string
}

/** A resource as a state describes it. */
export interface Owned {
  readonly state: string
  readonly address: string
  readonly id: string
  readonly attributes: JsonObject
  readonly sensitive: readonly string[]
}

export type Replacement =
  { readonly kind: 'replaced' } | { readonly kind: 'unchanged' } | { readonly kind: 'refused'; readonly reason: string }

/** All known states, searched as one. */
export interface StateIndex {
  /** Takes a state's new version in whole, or leaves the last one in force and says why. */
  replace(state: State, now: number): Replacement
  find(identifier: Identifier): Owned | undefined
  /** The resource at an address of one state. */
  at(state: string, address: string): Owned | undefined
  /** When the state's serial last moved while we looked; undefined before it ever did. */
  movedAt(state: string): number | undefined
  serial(state: string): number | undefined
  names(): readonly string[]
}

/** Attributes stay packed as text until somebody looks: a parsed state takes several times the memory. */
interface Entry {
  readonly state: string
  readonly address: string
  readonly id: string
  readonly packed: string
  readonly sensitive: readonly string[]
  readonly keys: readonly string[]
}

interface Held {
  readonly lineage: string
  readonly serial: number
  readonly movedAt: number | undefined
  readonly entries: ReadonlyMap<string, Entry>
}

/** Indexes the resource types that the catalog knows; no event could ask for another. */
export function createStateIndex(types: ReadonlyMap<string, ResourceType>): StateIndex {
  const states = new Map<string, Held>()
  const byKey = new Map<string, Entry[]>()

  function replace(state: State, now: number): Replacement {
    const held = states.get(state.name)
    if (held !== undefined && held.lineage !== state.lineage)
      return { kind: 'refused', reason: `${state.name}: another lineage than the state that is in force` }
    if (held !== undefined && held.serial > state.serial)
      return { kind: 'refused', reason: `${state.name}: serial ${state.serial} is older than ${held.serial}` }
    if (held?.serial === state.serial) return { kind: 'unchanged' }
    const entries = entriesOf(state, types) // all that can fail, before anything changes
    for (const entry of held?.entries.values() ?? []) forget(byKey, entry)
    for (const entry of entries) for (const key of entry.keys) remember(byKey, key, entry)
    states.set(state.name, {
      lineage: state.lineage,
      serial: state.serial,
      movedAt: held === undefined ? undefined : now,
      entries: new Map(entries.map((entry) => [entry.address, entry])),
    })
    return { kind: 'replaced' }
  }

  function find({ cloud, account, region, type, id }: Identifier): Owned | undefined {
    for (const where of [
      [account, region],
      [account, ANY],
      [ANY, region],
      [ANY, ANY],
    ]) {
      const entry = byKey.get([cloud, ...where, type, id].join('\n'))?.[0]
      if (entry !== undefined) return unpack(entry)
    }
    return undefined
  }

  return {
    replace,
    find,
    at: (state, address) => {
      const entry = states.get(state)?.entries.get(address)
      return entry === undefined ? undefined : unpack(entry)
    },
    movedAt: (state) => states.get(state)?.movedAt,
    serial: (state) => states.get(state)?.serial,
    names: () => [...states.keys()],
  }
}

function unpack({ state, address, id, packed, sensitive }: Entry): Owned {
  // `packed` is what JSON.stringify made of an object.
  return { state, address, id, attributes: JSON.parse(packed) as JsonObject, sensitive }
}

function remember(byKey: Map<string, Entry[]>, key: string, entry: Entry): void {
  const owners = byKey.get(key)
  if (owners === undefined) byKey.set(key, [entry])
  else owners.push(entry)
}

function forget(byKey: Map<string, Entry[]>, entry: Entry): void {
  for (const key of entry.keys) {
    const others = byKey.get(key)?.filter((owner) => owner !== entry) ?? []
    if (others.length === 0) byKey.delete(key)
    else byKey.set(key, others)
  }
}

interface Where {
  readonly account: string | undefined
  readonly region: string | undefined
}

function entriesOf(state: State, types: ReadonlyMap<string, ResourceType>): readonly Entry[] {
  const providers = providerPlaces(state)
  return state.instances.flatMap((instance) => {
    const type = types.get(instance.type)
    if (type === undefined) return []
    const own = ownPlace(instance, type)
    const provider = providers.get(instance.provider)
    const account = own.account ?? provider?.account ?? ANY
    const region = own.region ?? provider?.region ?? ANY
    const identities = new Set(type.identities.map((name) => textOf(instance.attributes, name)).filter(isText))
    return [
      {
        state: state.name,
        address: instance.address,
        id: textOf(instance.attributes, 'id') ?? [...identities][0] ?? '',
        packed: JSON.stringify(instance.attributes),
        sensitive: instance.sensitive,
        keys: [...identities].map((id) => ['aws', account, region, type.name, id].join('\n')),
      },
    ]
  })
}

function ownPlace({ attributes }: Instance, type: ResourceType): Where {
  const arn = arnPlace(attributes)
  const account = type.account === undefined ? undefined : textOf(attributes, type.account)
  // Version 6 of the AWS provider gives each resource a region of its own.
  return { account: arn.account ?? account, region: arn.region ?? textOf(attributes, 'region') }
}

const arnPlace = (attributes: JsonObject): Where => placeInArn(textOf(attributes, 'arn') ?? '')

/** A provider configuration works in one account and region: what its resources' ARNs agree on holds for those without. */
function providerPlaces(state: State): ReadonlyMap<string, Where> {
  const seen = new Map<string, { accounts: Set<string>; regions: Set<string> }>()
  for (const { provider, attributes } of state.instances) {
    const { account, region } = arnPlace(attributes)
    const places = seen.get(provider) ?? { accounts: new Set(), regions: new Set() }
    if (account !== undefined) places.accounts.add(account)
    if (region !== undefined) places.regions.add(region)
    seen.set(provider, places)
  }
  return new Map(
    Array.from(seen, ([provider, { accounts, regions }]) => [
      provider,
      { account: only(accounts), region: only(regions) },
    ]),
  )
}

const only = (values: ReadonlySet<string>): string | undefined => (values.size === 1 ? [...values][0] : undefined)
const isText = (value: string | undefined): value is string => value !== undefined

function textOf(attributes: JsonObject, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
