import * as v from 'valibot'
import type { Call, CatalogEntry, InnerTags, ResourceType, Service } from './catalog.ts'
import { readCatalogText } from './catalog_text.ts'
import { compileEffects, effectFields, effectSource } from './effect_file.ts'
import { exampleSource, examplesOf, examplesSource } from './example_file.ts'
import { attributesIn } from './identity.ts'
import { defined } from './json.ts'
import { KINDS } from './kind.ts'
import type { Fail } from './reader_file.ts'
import { compileArn, compilePrefix } from './resource_name.ts'
import { parseSchema, type Schema } from './schema.ts'
import { compileTagging } from './tagging_file.ts'

export type CatalogErrorCode = 'ERR_CATALOG_YAML' | 'ERR_CATALOG_SHAPE' | 'ERR_CATALOG_SCHEMA'

/** A mistake in a catalog file, with the place where it stands. */
export class CatalogError extends Error {
  readonly code: CatalogErrorCode

  constructor(code: CatalogErrorCode, message: string) {
    super(message)
    this.name = 'CatalogError'
    this.code = code
  }
}

const texts = v.pipe(v.array(v.string()), v.minLength(1))
const eventSource = v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/))
const call = v.pipe(v.string(), v.regex(/^[A-Z]\w+$/, 'not the name of a call'))

/** Lambda's events carry the version of its API. */
const VERSION = /\d{8}(?:v\d+)?$/

/** What an instance's volume is called, in what names the instance by it. */
const PART = '${id}'

const typeSource = v.strictObject({
  identities: v.optional(texts),
  account: v.optional(v.string()),
  import: v.optional(v.union([v.string(), v.literal(false)])),
  arn: v.optional(texts),
  prefix: v.optional(v.string()),
  one_tag: v.optional(v.boolean(), false),
  meaning: v.optional(v.record(v.string(), v.picklist(KINDS)), {}),
  otherwise: v.optional(v.record(v.string(), v.string())),
  twins: v.optional(v.record(v.string(), v.string()), {}),
  keys: v.optional(v.record(v.string(), v.union([v.string(), texts])), {}),
  inner_tags: v.optional(
    v.array(
      v.strictObject({
        of: v.string(),
        attribute: v.string(),
        name: v.optional(v.pipe(v.string(), v.includes(PART)), PART),
        if_set: v.optional(v.boolean(), false),
      }),
    ),
  ),
  like: v.optional(v.string()),
})

const described = {
  about: v.optional(v.string()),
  aliases: v.optional(v.array(call), []),
  operation: v.optional(call),
  unproven: v.optional(v.record(v.string(), v.string()), {}),
  /** At least one, as a test sees to: a start reads the file without them. */
  examples: v.optional(v.array(exampleSource), []),
}

const fileSchema = v.strictObject({
  title: v.string(),
  source: eventSource,
  /** Under what the same calls stand as well: the console's own way to a service. */
  also: v.optional(eventSource),
  /** Where ARNs call the service otherwise than the source does. */
  arn_service: v.optional(v.string()),
  /** The service's API models, where their names do not follow from the source. */
  models: v.optional(texts),
  types: v.record(v.string(), typeSource),
  content: v.optional(v.array(call), []),
  events: v.optional(
    v.record(
      call,
      v.strictObject({
        ...described,
        ...effectFields,
        targets: v.optional(v.pipe(v.array(effectSource), v.minLength(1))),
        content: v.optional(v.boolean(), false),
        idle: v.optional(v.unknown()),
      }),
    ),
    {},
  ),
  tagging: v.optional(
    v.record(
      call,
      v.strictObject({
        ...described,
        each: v.optional(v.string()),
        failed: v.optional(v.unknown()),
        resource: v.unknown(),
        everywhere: v.optional(v.boolean(), false),
        add: v.optional(v.unknown()),
        remove: v.optional(v.unknown()),
        or_all: v.optional(v.boolean()),
      }),
    ),
    {},
  ),
  examples: v.optional(examplesSource, { record: {}, state: {} }),
})

type File = v.InferOutput<typeof fileSchema>
type TypeSource = v.InferOutput<typeof typeSource>

/**
 * Reads one file of rules/catalog, against its types' part of the provider's schema. Unknown keys, unknown types and
 * unknown attributes are errors.
 */
export function parseService(text: string, name: string, schemaText: string): Service {
  const { value, lineOf } = readCatalogText(text, name, (message) => {
    throw new CatalogError('ERR_CATALOG_YAML', `${name}: ${message}`)
  })
  const fail: Fail = (message, path) => {
    throw new CatalogError('ERR_CATALOG_SHAPE', `${name}:${lineOf(path)}: ${path.join('.')}: ${message}`)
  }
  const parsed = v.safeParse(fileSchema, value)
  if (!parsed.success) {
    const issues: readonly v.BaseIssue<unknown>[] = parsed.issues
    return fail(issues[0]?.message ?? 'not a catalog file', issues[0]?.path?.map(({ key }) => key) ?? [])
  }
  const schema = parseSchema(schemaText)
  if (schema === undefined)
    throw new CatalogError('ERR_CATALOG_SCHEMA', `${name}: its part of the provider's schema cannot be read`)
  return compile(parsed.output, name, schema, fail)
}

function compile(file: File, name: string, schema: Schema, fail: Fail): Service {
  const types = compileTypes(file, schema, fail)
  const events = new Map<string, CatalogEntry>(file.content.map((event) => [event, { kind: 'content' }]))
  const links = new Map<string, (all: readonly ResourceType[]) => CatalogEntry>()
  const calls: Call[] = []
  const describe = (event: string, source: Described, places: ReadonlySet<string>, path: readonly unknown[]): void => {
    const { about, aliases, operation = event.replace(VERSION, ''), unproven } = source
    for (const one of [event, ...aliases]) if (events.has(one) || links.has(one)) fail('described twice', path)
    for (const place of Object.keys(unproven))
      if (place !== 'event' && !places.has(place)) fail('nothing reads this place', [...path, 'unproven', place])
    calls.push(defined<Call>({ event, operation, about, aliases, places: [...places], unproven }))
  }
  for (const [event, source] of Object.entries(file.events)) {
    const [path, places] = [['events', event], new Set<string>()]
    const note = (place: string) => void places.add(place)
    const entry = compileEffects(source, types, { fail, note, path })
    describe(event, source, places, path)
    for (const one of [event, ...source.aliases]) events.set(one, entry)
  }
  for (const [event, source] of Object.entries(file.tagging)) {
    const [path, places] = [['tagging', event], new Set<string>()]
    const note = (place: string) => void places.add(place)
    const link = compileTagging(source, { fail, note, path })
    describe(event, source, places, path)
    const own = [...types.values()]
    for (const one of [event, ...source.aliases]) links.set(one, (all) => link(source.everywhere ? all : own))
  }
  const { title, source, also } = file
  return defined<Service>({
    name,
    title,
    source,
    also,
    types: [...types.values()],
    events,
    tagging: links,
    calls,
    examples: examplesOf(file, name),
  })
}

type Described = Pick<File['tagging'][string], keyof typeof described>

function compileTypes(file: File, schema: Schema, fail: Fail): ReadonlyMap<string, ResourceType> {
  const service = file.arn_service ?? file.source.split('.', 1)[0] ?? ''
  return new Map(
    Object.entries(file.types).map(([name, own]) => {
      const path = ['types', name]
      const {
        identities,
        account,
        import: imported,
        arn,
        prefix,
        inner_tags: inner = [],
      } = own.like === undefined ? own : { ...base(file, own.like, fail, path), ...own }
      if (identities === undefined) return fail('`identities` or `like` is missing', path)
      const attributes =
        schema.get(name) ?? fail("not in the schema: generate rules/schema anew, or it is not the provider's", path)
      const otherwise = Object.entries(own.otherwise ?? {})
      const twins = Object.entries(own.twins).flatMap(([one, other]) => [[one, other] as const, [other, one] as const])
      const keys = Object.entries(own.keys).map(([block, fields]) => [block, [fields].flat()] as const)
      for (const keyed of keys.flatMap(([block, fields]) => fields.map((field) => `${block}.${field}`)))
        if (!attributes.has(keyed)) fail(`the provider has no ${keyed}`, [...path, 'keys'])
      for (const text of [...identities, account ?? [], imported || [], ...otherwise, ...twins].flat())
        for (const attribute of attributesIn(text))
          if (!attributes.has(attribute)) fail(`the provider has no ${attribute}`, path)
      if (own.one_tag && !(attributes.has('key') && attributes.has('value')))
        fail('one tag has a key and a value', [...path, 'one_tag'])
      for (const { of, attribute } of inner) {
        if (!Object.hasOwn(file.types, of)) fail('a type that this file does not describe', [...path, 'inner_tags'])
        if (!attributes.has(attribute)) fail(`the provider has no ${attribute}`, [...path, 'inner_tags'])
      }
      const meant = new Map(attributes)
      const tags = attributes.get('tags')
      if (tags?.kind === 'map') meant.set('tags', { ...tags, kind: 'tags' })
      for (const [attribute, kind] of Object.entries(own.meaning)) {
        const known =
          attributes.get(attribute) ?? fail(`the provider has no ${attribute}`, [...path, 'meaning', attribute])
        meant.set(attribute, { ...known, kind })
      }
      const readers = [
        ...(arn ?? []).map((pattern) => compileArn(pattern, service)),
        ...(prefix === undefined ? [] : [compilePrefix(prefix)]),
      ]
      const identify: ResourceType['identify'] = (text) => {
        for (const read of readers) {
          const ids = read(text)
          if (ids !== undefined) return ids
        }
        return undefined
      }
      return [
        name,
        defined<ResourceType>({
          name,
          like: own.like,
          identities,
          import: imported,
          account,
          isTag: own.one_tag || undefined,
          attributes: meant,
          otherwise: otherwise.length > 0 ? new Map(otherwise) : undefined,
          twins: twins.length > 0 ? new Map(twins) : undefined,
          keys: keys.length > 0 ? new Map(keys) : undefined,
          innerTags: inner.length > 0 ? inner.map(innerTagsOf) : undefined,
          identify,
        }),
      ]
    }),
  )
}

const innerTagsOf = ({
  of,
  attribute,
  name,
  if_set: ifSet,
}: NonNullable<TypeSource['inner_tags']>[number]): InnerTags => ({
  of,
  attribute,
  nameBy: (part) => name.replaceAll(PART, () => part),
  ifSet,
})

function base(file: File, name: string, fail: Fail, path: readonly unknown[]): File['types'][string] {
  const { [name]: found } = file.types
  if (found === undefined || found.like !== undefined) return fail('like a type that this file does not describe', path)
  return found
}
