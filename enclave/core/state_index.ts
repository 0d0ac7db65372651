import type { ResourceType } from './catalog.ts'
import { createDependents, type Dependents, type DependentsIndex } from './dependents.ts'
import type { Cloud } from './event.ts'
import { compileNames, type NameReader } from './identity.ts'
import type { JsonObject } from './json.ts'
import { contentOf, type Instance, type State, type Where } from './state.ts'

/** Whose resources states are indexed by. */
const CLOUD = 'aws' satisfies Cloud
/** Where neither the resource nor its provider tells: matches every account or region. */
const ANY = '*'

/**
 * Types that live in no region, or whose names are taken once in all of them: their calls come from us-east-1 or the
 * bucket's own region, whatever region the provider has.
 */
const GLOBAL =
  /^aws_(?:iam|account|backup_global_settings|route53(?!_resolver)|cloudfront|s3_account|s3_bucket|organizations|globalaccelerator|shield|budgets|ce|waf)(?:_|$)/

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
  readonly type: string
  readonly address: string
  readonly id: string
  readonly attributes: JsonObject
  readonly sensitive: readonly string[]
  /** Addresses of the resources that it was made from. */
  readonly dependencies: readonly string[]
}

export type Replacement =
  { readonly kind: 'replaced' } | { readonly kind: 'unchanged' } | { readonly kind: 'refused'; readonly reason: string }

/** All known states, searched as one. */
export interface StateIndex {
  /** Takes a state's new version in whole, or leaves the last one in force and says why. */
  replace(state: State, now: number): Replacement
  /** The first that has this name: several do where two states own one resource, or where it is of what they belong to. */
  find(identifier: Identifier): Owned | undefined
  /** The resource at an address of one state. */
  at(state: string, address: string): Owned | undefined
  /** What was made from the resource at an address of one state. */
  dependents(state: string, address: string): Dependents | undefined
  /** When the state's serial last moved while we looked; undefined before it ever did. */
  movedAt(state: string): number | undefined
  serial(state: string): number | undefined
  names(): readonly string[]
}

/** Attributes stay in the state's bytes until somebody looks: a parsed state takes several times the memory. */
interface Entry {
  readonly state: State
  readonly instance: Instance
  readonly id: string
  readonly place: Place
  readonly names: readonly string[]
}

/** What tells a name from the same one elsewhere. */
interface Place {
  readonly type: string
  readonly account: string
  readonly region: string
}

interface Held {
  readonly state: State
  readonly movedAt: number | undefined
  readonly entries: ReadonlyMap<string, Entry>
  readonly dependents: DependentsIndex
}

/** A type and how its resources are named. */
interface Kind {
  readonly type: ResourceType
  readonly names: readonly NameReader[]
}

/** Nearly every name has one owner: a hundred thousand lists of one would be a tenth of the index. */
type Names = Map<string, Entry | Entry[]>
/** By type, account and region, each by itself: a key made of all would be a new text, to be hashed, for each look-up. */
type Places = Map<string, Map<string, Map<string, Names>>>

/** Indexes the resource types that the catalog knows; no event could ask for another. */
export function createStateIndex(types: ReadonlyMap<string, ResourceType>): StateIndex {
  const kinds = new Map(
    Array.from(types.values(), (type): [string, Kind] => [
      type.name,
      { type, names: type.identities.map(compileNames) },
    ]),
  )
  const states = new Map<string, Held>()
  const byPlace: Places = new Map()

  function replace(state: State, now: number): Replacement {
    const held = states.get(state.name)
    if (held !== undefined && held.state.lineage !== state.lineage)
      return { kind: 'refused', reason: `${state.name}: another lineage than the state that is in force` }
    if (held !== undefined && held.state.serial > state.serial)
      return { kind: 'refused', reason: `${state.name}: serial ${state.serial} is older than ${held.state.serial}` }
    if (held?.state.serial === state.serial) return { kind: 'unchanged' }
    const dependents = createDependents()
    const entries = entriesOf(state, kinds, dependents) // all that can fail, before anything changes
    if (held !== undefined) forget(byPlace, held)
    for (const entry of entries) remember(byPlace, entry)
    states.set(state.name, {
      state,
      movedAt: held === undefined ? undefined : now,
      entries: new Map(entries.map((entry) => [entry.instance.address, entry])),
      dependents,
    })
    return { kind: 'replaced' }
  }

  function search({ cloud, account, region, type, id }: Identifier): Entry | undefined {
    const ofType = cloud === CLOUD ? byPlace.get(type) : undefined
    if (ofType === undefined) return undefined
    let deposed: Entry | undefined
    for (const inAccount of [account, ANY])
      for (const inRegion of [region, ANY])
        for (const entry of ownersIn(ofType.get(inAccount)?.get(inRegion)?.get(id))) {
          if (!entry.instance.isDeposed) return entry
          deposed ??= entry // what waits for its destruction comes after what has its place now
        }
    return deposed
  }

  return {
    replace,
    find(identifier) {
      const entry = search(identifier)
      return entry === undefined ? undefined : unpack(entry)
    },
    at(state, address) {
      const entry = states.get(state)?.entries.get(address)
      return entry === undefined ? undefined : unpack(entry)
    },
    dependents: (state, address) => states.get(state)?.dependents.of(address),
    movedAt: (state) => states.get(state)?.movedAt,
    serial: (state) => states.get(state)?.state.serial,
    names: () => [...states.keys()],
  }
}

const unpack = ({ state, instance, id }: Entry): Owned => ({
  state: state.name,
  type: instance.type,
  address: instance.address,
  id,
  ...contentOf(state, instance),
})

const NOBODY: readonly Entry[] = []
const ownersIn = (found: Entry | Entry[] | undefined): readonly Entry[] =>
  found === undefined ? NOBODY : Array.isArray(found) ? found : [found]

const namesIn = (byPlace: Places, { type, account, region }: Place): Names =>
  byPlace
    .getOrInsertComputed(type, () => new Map())
    .getOrInsertComputed(account, () => new Map())
    .getOrInsertComputed(region, () => new Map())

function remember(byPlace: Places, entry: Entry): void {
  const byName = namesIn(byPlace, entry.place)
  for (const name of entry.names) {
    const others = byName.get(name)
    if (others === undefined) byName.set(name, entry)
    else if (Array.isArray(others)) others.push(entry)
    else byName.set(name, [others, entry])
  }
}

/** Name by name, not entry by entry: a state in which all have one name would take the square of its size. */
function forget(byPlace: Places, { state, entries }: Held): void {
  const touched = new Map([...entries.values()].map(({ place }) => [place, new Set<string>()] as const))
  for (const { place, names } of entries.values()) for (const name of names) touched.get(place)?.add(name)
  for (const [place, names] of touched) {
    const byName = namesIn(byPlace, place)
    for (const name of names) {
      const others = ownersIn(byName.get(name)).filter((owner) => owner.state !== state)
      if (others.length === 0) byName.delete(name)
      else byName.set(name, [...others])
    }
    if (byName.size === 0) byPlace.get(place.type)?.get(place.account)?.delete(place.region)
  }
}

function entriesOf(state: State, kinds: ReadonlyMap<string, Kind>, dependents: DependentsIndex): readonly Entry[] {
  const providers = providerPlaces(state)
  const places = new Map<string, Place>() // one object for all that are in one place
  return state.instances.flatMap((instance) => {
    const kind = kinds.get(instance.type)
    if (kind === undefined) return []
    const { attributes, dependencies } = contentOf(state, instance)
    dependents.add(instance.address, dependencies)
    const { account, region } = placeIn(instance, attributes, kind.type, providers.get(instance.provider))
    const names = [...new Set(kind.names.flatMap((read) => read(attributes)))]
    const id = textOf(attributes, 'id') ?? names[0] ?? ''
    const here: Place = { type: instance.type, account: account ?? ANY, region: region ?? ANY }
    const place = places.getOrInsert(Object.values(here).join('\n'), here)
    return [{ state, instance, id, place, names }]
  })
}

function placeIn({ where }: Instance, attributes: JsonObject, type: ResourceType, provider: Where | undefined): Where {
  const own = type.account === undefined ? undefined : textOf(attributes, type.account)
  // An ARN without a region is that of a resource without one.
  const isGlobal = GLOBAL.test(type.name) || (where !== undefined && where.region === undefined)
  return {
    account: where?.account ?? own ?? provider?.account,
    region: isGlobal ? undefined : (where?.region ?? textOf(attributes, 'region') ?? provider?.region),
  }
}

/** A provider configuration works in one account and region: what its resources' ARNs agree on holds for those without. */
function providerPlaces(state: State): ReadonlyMap<string, Where> {
  const seen = new Map<string, { accounts: Set<string>; regions: Set<string> }>()
  for (const { provider, where } of state.instances) {
    const places = seen.get(provider) ?? { accounts: new Set(), regions: new Set() }
    if (where?.account !== undefined) places.accounts.add(where.account)
    if (where?.region !== undefined) places.regions.add(where.region)
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

function textOf(attributes: JsonObject, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
