import type { JsonObject } from './json.ts'

/** How an attribute's values compare; what the provider's schema and the service's habits come down to. */
export type AttributeKind =
  | 'string'
  | 'bool'
  | 'number'
  /** A map of strings; each key is a path of its own. */
  | 'map'
  /** A map whose effective content is `tags_all`. */
  | 'tags'
  /** An IAM policy document, compared by meaning. */
  | 'policy'
  /** A JSON document in which the order of arrays means nothing. */
  | 'unordered_json'
  /** Blocks in order. */
  | 'list'
  /** Blocks without order. */
  | 'set'

/** What is known of one Terraform resource type. */
export interface ResourceType {
  readonly name: string
  /** The state's attributes any of which names the resource, the most usual first. */
  readonly identities: readonly string[]
  /** The attribute that holds the account, for types without an ARN. */
  readonly account?: string
  readonly attributes: ReadonlyMap<string, AttributeKind>
}

/** A place in an audit record. */
export interface Place {
  readonly root: 'request' | 'response' | 'event'
  readonly names: readonly string[]
}

/** Where an attribute's new value stands, and how it is read. */
export type Reader = {
  /** The first place that holds anything counts. */
  readonly from: readonly Place[]
  /** What the service does when the call does not say. */
  readonly default?: JsonObject[string]
} & Reading

/** Block fields by Terraform's name. */
export type Fields = ReadonlyMap<string, { readonly from: string } & Reading>

export type Reading =
  | { readonly read: 'value' }
  /** A list of `{key, value}` in any of AWS's spellings, or a map, to a map. */
  | { readonly read: 'tags' }
  /** A list of map keys. */
  | { readonly read: 'keys' }
  /** A list of objects, to Terraform's blocks. */
  | { readonly read: 'blocks'; readonly fields: Fields }

/** One place where the resource's identity may stand. From an ARN, `after` cuts what Terraform uses. */
export interface Identity {
  readonly from: Place
  readonly after?: string
}

/** `put` makes the resource when it is not there and changes it when it is. */
export type Effect = 'change' | 'create' | 'put' | 'delete'

/** One resource that an event touches. */
export interface Target {
  readonly type: ResourceType
  readonly identity: readonly Identity[]
  readonly effect: Effect
  /** The whole attribute gets this value. */
  readonly set: ReadonlyMap<string, Reader>
  /** These keys of a map get these values; the others stay. */
  readonly add: ReadonlyMap<string, Reader>
  /** These keys of a map go. */
  readonly remove: ReadonlyMap<string, Reader>
}

export type CatalogEntry =
  | { readonly kind: 'configuration'; readonly targets: readonly Target[] }
  /** A call that writes content, not configuration: a push of an image. */
  | { readonly kind: 'content' }

/** A record that must produce exactly this, or must not. */
export interface Example {
  readonly event: string
  readonly name: string
  readonly record: JsonObject
  /** Terraform address to attributes. */
  readonly state: { readonly [address: string]: JsonObject }
  readonly finds: JsonObject
}

/** One service: what a file of rules/catalog holds. */
export interface Service {
  readonly source: string
  readonly types: readonly ResourceType[]
  readonly events: ReadonlyMap<string, CatalogEntry>
  readonly examples: readonly Example[]
}

/** What is known of all services. */
export interface Catalog {
  readonly types: ReadonlyMap<string, ResourceType>
  /** By service and name: `CreateCluster` belongs to several services. */
  entry(source: string, event: string): CatalogEntry | undefined
}

export function createCatalog(services: readonly Service[]): Catalog {
  const types = new Map(services.flatMap((service) => service.types.map((type) => [type.name, type])))
  const bySource = new Map(services.map((service) => [service.source, service.events]))
  if (bySource.size < services.length) throw new TypeError('two catalog files describe one service')
  return { types, entry: (source, event) => bySource.get(source)?.get(event) }
}
