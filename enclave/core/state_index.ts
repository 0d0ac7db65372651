import type { ResourceType } from './catalog.ts'
import { createDependents, type Dependents, type DependentsIndex } from './dependents.ts'
import type { Cloud } from './event.ts'
import { compileNames, type NameReader } from './identity.ts'
import type { JsonObject } from './json.ts'
import { contentOf, type Instance, type Origin, type State, type Where } from './state.ts'

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
  /** All that have this name, but for what waits for its destruction. */
  all(identifier: Identifier): readonly Owned[]
  /** Whether any state has a resource of a type. */
  has(type: string): boolean
  /** The resource at an address of one state. */
  at(state: string, address: string): Owned | undefined
  /** What was made from the resource at an address of one state. */
  dependents(state: string, address: string): Dependents | undefined
  /** When the state's serial last moved while we looked; undefined before it ever did. */
  movedAt(state: string): number | undefined
  serial(state: string): number | undefined
  names(): readonly string[]
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
  readonly instances: ReadonlyMap<string, Instance>
  readonly dependents: DependentsIndex
}

/** A type and how its resources are named. */
interface Kind {
  readonly type: ResourceType
  readonly names: readonly NameReader[]
}

/** Most types are named alike. */
const readers = new Map<string, NameReader>()

/** Nearly every name has one owner: a hundred thousand lists of one would be a tenth of the index. */
type Names = Map<string, Instance | Instance[]>
/** By type, account and region, each by itself: a key made of all would be a new text, to be hashed, for each look-up. */
type Places = Map<string, Map<string, Map<string, Names>>>

/** Indexes the resource types that the catalog knows; no event could ask for another. */
export function createStateIndex(types: ReadonlyMap<string, ResourceType>): StateIndex {
  const kinds = new Map(
    Array.from(types.values(), (type): [string, Kind] => [
      type.name,
      { type, names: type.identities.map((identity) => readers.getOrInsertComputed(identity, compileNames)) },
    ]),
  )
  const states = new Map<string, Held>()
  const byPlace: Places = new Map()
  /** Who changes a resource mostly makes several calls, and each looks it up. */
  let latest: { readonly instance: Instance; readonly owned: Owned } | undefined

  function replace(state: State, now: number): Replacement {
    const held = states.get(state.name)
    if (held !== undefined && held.state.lineage !== state.lineage)
      return { kind: 'refused', reason: `${state.name}: another lineage than the state that is in force` }
    if (held !== undefined && held.state.serial > state.serial)
      return { kind: 'refused', reason: `${state.name}: serial ${state.serial} is older than ${held.state.serial}` }
    if (held?.state.serial === state.serial) return { kind: 'unchanged' }
    const { names, instances, dependents } = readNames(state, kinds) // all that can fail, before anything changes
    if (held !== undefined) forget(byPlace, held.state.name, readNames(held.state, kinds).names)
    remember(byPlace, names)
    latest = undefined // it would hold the bytes of a state that is no more
    const movedAt = held === undefined ? undefined : now
    states.set(state.name, { state, movedAt, instances, dependents })
    return { kind: 'replaced' }
  }

  function search({ cloud, account, region, type, id }: Identifier): Instance | undefined {
    const ofType = cloud === CLOUD ? byPlace.get(type) : undefined
    if (ofType === undefined) return undefined
    let deposed: Instance | undefined
    for (const inAccount of [account, ANY])
      for (const inRegion of [region, ANY])
        for (const instance of ownersIn(ofType.get(inAccount)?.get(inRegion)?.get(id))) {
          if (!instance.isDeposed) return instance
          deposed ??= instance // what waits for its destruction comes after what has its place now
        }
    return deposed
  }

  function unpack(instance: Instance): Owned {
    if (latest?.instance === instance) return latest.owned
    const { file, type } = instance.origin
    const content = contentOf(instance)
    const id = textOf(content.attributes, 'id') ?? namesOf(content.attributes, kinds.get(type))[0] ?? ''
    const owned = { state: file.name, type, address: instance.address, id, ...content }
    latest = { instance, owned }
    return owned
  }

  return {
    replace,
    find(identifier) {
      const instance = search(identifier)
      return instance === undefined ? undefined : unpack(instance)
    },
    all: ({ account, region, type, id }) =>
      [account, ANY].flatMap((inAccount) =>
        [region, ANY].flatMap((inRegion) =>
          ownersIn(byPlace.get(type)?.get(inAccount)?.get(inRegion)?.get(id))
            .filter(({ isDeposed }) => !isDeposed)
            .map(unpack),
        ),
      ),
    has: (type) => (byPlace.get(type)?.size ?? 0) > 0,
    at(state, address) {
      const instance = states.get(state)?.instances.get(address)
      return instance === undefined ? undefined : unpack(instance)
    },
    dependents: (state, address) => states.get(state)?.dependents.of(address),
    movedAt: (state) => states.get(state)?.movedAt,
    serial: (state) => states.get(state)?.state.serial,
    names: () => [...states.keys()],
  }
}

const NOBODY: readonly Instance[] = []
const ownersIn = (found: Instance | Instance[] | undefined): readonly Instance[] =>
  found === undefined ? NOBODY : Array.isArray(found) ? found : [found]

function add(byName: Names, name: string, instance: Instance): void {
  const others = byName.get(name)
  if (others === undefined) byName.set(name, instance)
  else if (Array.isArray(others)) others.push(instance)
  else byName.set(name, [others, instance])
}

function remember(byPlace: Places, all: ReadonlyMap<Place, Names>): void {
  for (const [{ type, account, region }, names] of all) {
    const byRegion = byPlace.getOrInsertComputed(type, () => new Map()).getOrInsertComputed(account, () => new Map())
    const known = byRegion.get(region)
    if (known === undefined) byRegion.set(region, names)
    else for (const [name, owners] of names) for (const owner of ownersIn(owners)) add(known, name, owner)
  }
}

/**
 * Name by name, not instance by instance: a state in which all have one name would take the square of its size. The names
 * are read out of the old bytes again, which costs less than to keep lists of them for every instance.
 */
function forget(byPlace: Places, state: string, all: ReadonlyMap<Place, Names>): void {
  for (const [{ type, account, region }, names] of all) {
    const byRegion = byPlace.get(type)?.get(account)
    const byName: Names = byRegion?.get(region) ?? new Map()
    for (const name of names.keys()) {
      const others = ownersIn(byName.get(name)).filter(({ origin }) => origin.file.name !== state)
      if (others.length === 0) byName.delete(name)
      else byName.set(name, others)
    }
    if (byName.size === 0) byRegion?.delete(region)
    if (byRegion?.size === 0) byPlace.get(type)?.delete(account)
  }
}

/** What the index keeps of a state. Its names come in maps, which are taken as they are for a place that no other state is in. */
function readNames(state: State, kinds: ReadonlyMap<string, Kind>) {
  const providers = providerPlaces(state)
  const places = new Map<string, Place>() // one object for all that are in one place
  const names = new Map<Place, Names>()
  const instances = new Map<string, Instance>()
  const dependents = createDependents()
  for (const instance of state.instances) {
    const { address, origin } = instance
    const kind = kinds.get(origin.type)
    if (kind === undefined) continue
    const { attributes, dependencies } = contentOf(instance)
    dependents.add(address, dependencies)
    const { account, region } = placeIn(origin, attributes, kind.type, providers.get(origin.provider))
    const here: Place = { type: origin.type, account: account ?? ANY, region: region ?? ANY }
    const place = places.getOrInsert(Object.values(here).join('\n'), here)
    const byName = names.getOrInsertComputed(place, () => new Map())
    for (const name of new Set(namesOf(attributes, kind))) add(byName, name, instance)
    instances.set(address, instance)
  }
  return { names, instances, dependents }
}

const namesOf = (attributes: JsonObject, kind: Kind | undefined): readonly string[] =>
  kind?.names.flatMap((read) => read(attributes)) ?? []

function placeIn({ where }: Origin, attributes: JsonObject, type: ResourceType, provider: Where | undefined): Where {
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
  for (const { provider, where } of new Set(state.instances.map(({ origin }) => origin))) {
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
