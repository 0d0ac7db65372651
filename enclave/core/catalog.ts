import type { CloudEvent } from './event.ts'
import type { Json, JsonObject } from './json.ts'
import type { AttributeKind } from './kind.ts'

/** An attribute, or a block, as the provider's schema has it. */
export interface Attribute {
  readonly kind: AttributeKind
  readonly computed: boolean
  readonly optional: boolean
  readonly sensitive: boolean
  /** A block that can occur once. */
  readonly isSingle?: true
}

/** What is known of one Terraform resource type. */
export interface ResourceType {
  readonly name: string
  /** The type that this one is another form of: `aws_vpc` of `aws_default_vpc`. */
  readonly like?: string
  /** The state's attributes any of which names the resource, or templates of them (identity.ts), the most usual first. */
  readonly identities: readonly string[]
  /** What `terraform import` takes, as a template of attributes (identity.ts); the id where there is none, false where it takes nothing. */
  readonly import?: string | false
  /** The attribute that holds the account, for types without an ARN. */
  readonly account?: string
  /** It is one tag of what other types describe, with a `key` and a `value`; its names are theirs with the key behind a comma. */
  readonly isTag?: true
  /** By dotted path, nested blocks and their fields included. */
  readonly attributes: ReadonlyMap<string, Attribute>
  /** By attribute, the one in which the provider keeps what there is where nobody set it. */
  readonly otherwise?: ReadonlyMap<string, string>
  /** By attribute, the other one that says the same: a state has both or, by another version of the provider, one. */
  readonly twins?: ReadonlyMap<string, string>
  /** By list of blocks, the field that one of them is known by, or the fields: to add one that is there changes it. */
  readonly keys?: ReadonlyMap<string, readonly string[]>
  /** Where it keeps the tags of what other types describe and it has inside of it, the likeliest first. */
  readonly innerTags?: readonly InnerTags[]
  /** What an ARN, or an id with a telling prefix, says of a resource of this type; undefined for another type's. */
  readonly identify: (name: string) => readonly string[] | undefined
}

/** An attribute with the tags of a part: of an instance's volume. */
export interface InnerTags {
  readonly attribute: string
  /** The type that describes the part by itself. */
  readonly of: string
  /** What names the resource by its part. */
  readonly nameBy: (part: string) => string
  readonly ifSet: boolean
}

/** An attribute's new value in Terraform's form; undefined when the record does not give it. */
export type Reader = (event: CloudEvent) => Json | undefined

/** `put` makes the resource when it is not there and changes it when it is. */
export type Effect = 'change' | 'create' | 'put' | 'delete'

/** One resource that an event touches. */
export interface Target {
  readonly type: ResourceType
  /** What the record calls the resource, the likeliest first; empty when it names none. */
  readonly identify: (event: CloudEvent) => readonly string[]
  readonly effect: Effect
  /** The whole attribute gets this value. */
  readonly set: ReadonlyMap<string, Reader>
  /** These keys of a map get these values, these elements join a list or set; the others stay. */
  readonly add: ReadonlyMap<string, Reader>
  /** These keys of a map go, or the elements of a list or set that have these fields. */
  readonly remove: ReadonlyMap<string, Reader>
  /** The call changes these, and no record says to what. */
  readonly touch: readonly string[]
  /** Meant only where a state has it: no other is unmanaged for want of it. */
  readonly ifOwned?: true
  /** Meant only where a state has something in this map of it. */
  readonly ifSet?: string
  /** The call lists what there is: of all that a state has by this name, those are gone of which an attribute is not listed. */
  readonly among?: { readonly attribute: string; readonly listed: Reader }
  /** What it holds may be a resource of its own to Terraform: to differ after an apply is no evidence. */
  readonly isMirror?: true
}

/**
 * One effect of a call. Several targets are several forms that Terraform may keep the same thing in (inline or
 * standalone): the first that a state owns is meant, and where none is owned the first.
 */
export interface Touch {
  /** With `element`, where the call names a list of resources. */
  readonly event: CloudEvent
  readonly targets: readonly [Target, ...Target[]]
}

export type CatalogEntry =
  | {
      readonly kind: 'configuration'
      /** Everything that the call can touch. */
      readonly targets: readonly Target[]
      /** What this one touches; nothing when it changes something that the catalog does not describe. */
      readonly touches: (event: CloudEvent) => readonly Touch[]
      /** Whether its answer says that it failed for some of what it names, which it then does not touch. */
      readonly hasFailed: (event: CloudEvent) => boolean
      /** Whether this one changes nothing that Terraform holds: a version of a policy that does not come into force. */
      readonly isIdle?: (event: CloudEvent) => boolean
      /** It writes content, which is configuration only where a state has it: an object of a bucket. */
      readonly isContent?: true
    }
  /** A call that writes content, not configuration: a push of an image. */
  | { readonly kind: 'content' }

/** A record that must produce exactly this, or must not. */
export interface Example {
  /** The catalog file. */
  readonly file: string
  readonly event: string
  readonly name: string
  readonly record: JsonObject
  /** Terraform address to attributes. */
  readonly state: { readonly [address: string]: JsonObject }
  /** One for each resource that the call touches. */
  readonly finds: readonly JsonObject[]
}

/** What a file says of a call besides what it does. */
export interface Call {
  readonly event: string
  /** What the service's API calls it. */
  readonly operation: string
  /** Other names that records have for it. */
  readonly aliases: readonly string[]
  readonly about?: string
  /** Every place of a record that is read, for the proof against the service's API model. */
  readonly places: readonly string[]
  /** Those, or `event`, that no model proves, and the reason. */
  readonly unproven: Readonly<Record<string, string>>
}

/** One service, or a part of it: what a file of rules/catalog holds. */
export interface Service {
  readonly name: string
  readonly title: string
  readonly source: string
  /** Under what the same calls stand as well. */
  readonly also?: string
  readonly types: readonly ResourceType[]
  readonly events: ReadonlyMap<string, CatalogEntry>
  /** Calls that tag whatever an ARN or id names, once all types are known. */
  readonly tagging: ReadonlyMap<string, (types: readonly ResourceType[]) => CatalogEntry>
  readonly calls: readonly Call[]
  readonly examples: readonly Example[]
}

/** What is known of all services. */
export interface Catalog {
  readonly types: ReadonlyMap<string, ResourceType>
  /** By service and name: `CreateCluster` belongs to several services. */
  entry(source: string, event: string): CatalogEntry | undefined
}

/** The date of its API, with which CloudFront may end the name of a call: `UpdateDistribution2014_01_31`. */
const DATE = /\d{4}_\d{2}_\d{2}$/

/** Joins the files. A type or an event that two of them describe is a mistake. */
export function createCatalog(services: readonly Service[]): Catalog {
  const types = new Map<string, ResourceType>()
  for (const type of services.flatMap((service) => service.types)) {
    if (types.has(type.name)) throw new TypeError(`two catalog files describe ${type.name}`)
    types.set(type.name, type)
  }
  const all = [...types.values()]
  const bySource = new Map<string, Map<string, CatalogEntry>>()
  for (const { source, also, events, tagging } of services) {
    const entries = [...events, ...Array.from(tagging, ([event, link]) => [event, link(all)] as const)]
    for (const one of also === undefined ? [source] : [source, also]) {
      const known = bySource.get(one) ?? new Map<string, CatalogEntry>()
      bySource.set(one, known)
      for (const [event, entry] of entries) {
        if (known.has(event)) throw new TypeError(`two catalog files describe ${one} ${event}`)
        known.set(event, entry)
      }
    }
  }
  return {
    types,
    entry: (source, event) => {
      const known = bySource.get(source)
      const entry = known?.get(event)
      // Most calls of an account are reads that no file has: one character tells of nearly all that they have no date.
      return entry !== undefined || event.at(-3) !== '_' ? entry : known?.get(event.replace(DATE, ''))
    },
  }
}
