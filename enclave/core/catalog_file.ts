import * as v from 'valibot'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import type {
  AttributeKind,
  CatalogEntry,
  Effect,
  Example,
  Fields,
  Identity,
  Place,
  Reader,
  Reading,
  ResourceType,
  Service,
  Target,
} from './catalog.ts'
import { defined, isObject, type Json, type JsonObject } from './json.ts'

export type CatalogErrorCode = 'ERR_CATALOG_YAML' | 'ERR_CATALOG_SHAPE'

/** A mistake in a catalog file, with the place where it stands. */
export class CatalogError extends Error {
  readonly code: CatalogErrorCode

  constructor(code: CatalogErrorCode, message: string) {
    super(message)
    this.name = 'CatalogError'
    this.code = code
  }
}

const KINDS = [
  'string',
  'bool',
  'number',
  'map',
  'tags',
  'policy',
  'unordered_json',
  'list',
  'set',
] as const satisfies readonly AttributeKind[]
const EFFECTS = ['change', 'create', 'put', 'delete'] as const satisfies readonly Effect[]
const PLACE = /^(request|response|event)\.[\w.-]+$/

type FieldSource = string | { from: string; read: 'blocks'; fields: Record<string, FieldSource> }

const place = v.pipe(v.string(), v.regex(PLACE, 'a place begins with request., response. or event.'))
const json = v.custom<Json>((value) => value !== undefined, 'expected a value')
const object = v.custom<JsonObject>((value) => isObject(value as Json), 'expected a mapping')
const oneOrMore = <T>(schema: v.GenericSchema<T>) => v.union([schema, v.pipe(v.array(schema), v.minLength(1))])

const field: v.GenericSchema<FieldSource> = v.union([
  v.string(),
  v.strictObject({ from: v.string(), read: v.literal('blocks'), fields: v.lazy(() => v.record(v.string(), field)) }),
])

const reader = v.union([
  place,
  v.strictObject({
    from: oneOrMore(place),
    read: v.optional(v.picklist(['value', 'tags', 'keys', 'blocks']), 'value'),
    fields: v.optional(v.record(v.string(), field)),
    default: v.optional(json),
  }),
])
const readers = v.optional(v.record(v.string(), reader), {})
const identity = v.union([place, v.strictObject({ from: place, after: v.pipe(v.string(), v.minLength(1)) })])

const fileSchema = v.strictObject({
  source: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/)),
  types: v.record(
    v.string(),
    v.strictObject({
      identities: v.pipe(v.array(v.string()), v.minLength(1)),
      account: v.optional(v.string()),
      attributes: v.record(v.string(), v.picklist(KINDS)),
    }),
  ),
  events: v.record(
    v.string(),
    v.strictObject({
      targets: v.pipe(
        v.array(
          v.strictObject({
            type: v.string(),
            identity: oneOrMore(identity),
            effect: v.picklist(EFFECTS),
            set: readers,
            add: readers,
            remove: readers,
          }),
        ),
        v.minLength(1),
      ),
      examples: v.pipe(v.array(v.strictObject({ name: v.string(), record: object, finds: object })), v.minLength(2)),
    }),
  ),
  content: v.optional(v.array(v.string()), []),
  examples: v.strictObject({ record: object, state: v.record(v.string(), object) }),
})

type File = v.InferOutput<typeof fileSchema>
type Fail = (message: string, path: readonly unknown[]) => never

/** Reads one file of rules/catalog. Unknown keys, unknown types and unknown attributes are errors. */
export function parseService(text: string, name: string): Service {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [mistake] = document.errors
  if (mistake !== undefined) throw new CatalogError('ERR_CATALOG_YAML', `${name}: ${mistake.message}`)
  const fail: Fail = (message, path) => {
    const node = document.getIn(path, true) ?? document.getIn(path.slice(0, -1), true)
    const start = isNode(node) ? node.range?.[0] : undefined
    const line = start === undefined ? 1 : lines.linePos(start).line
    throw new CatalogError('ERR_CATALOG_SHAPE', `${name}:${line}: ${path.join('.')}: ${message}`)
  }
  const parsed = v.safeParse(fileSchema, valueOf(document, name))
  if (!parsed.success) {
    const [issue] = parsed.issues
    return fail(issue.message, issue.path?.map(({ key }) => key) ?? [])
  }
  return compile(parsed.output, fail)
}

function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    // An alias that leads nowhere, or too many of them.
    if (!(error instanceof ReferenceError)) throw error
    throw new CatalogError('ERR_CATALOG_YAML', `${name}: ${error.message}`)
  }
}

function compile(file: File, fail: Fail): Service {
  const types = new Map(
    Object.entries(file.types).map(([name, type]) => {
      const { identities, account } = type
      const attributes = new Map(Object.entries(type.attributes))
      return [name, defined<ResourceType>({ name, identities, account, attributes })]
    }),
  )
  const events = new Map<string, CatalogEntry>(file.content.map((event) => [event, { kind: 'content' }]))
  for (const [event, { targets }] of Object.entries(file.events)) {
    if (events.has(event)) fail('both content and configuration', ['events', event])
    const compiled = targets.map((target, at) => compileTarget(target, types, fail, ['events', event, 'targets', at]))
    events.set(event, { kind: 'configuration', targets: compiled })
  }
  return { source: file.source, types: [...types.values()], events, examples: examplesOf(file) }
}

type TargetSource = File['events'][string]['targets'][number]

function compileTarget(
  source: TargetSource,
  types: ReadonlyMap<string, ResourceType>,
  fail: Fail,
  path: readonly unknown[],
): Target {
  const type = types.get(source.type) ?? fail('a type that this file does not describe', [...path, 'type'])
  const readersOf = (verb: 'set' | 'add' | 'remove'): ReadonlyMap<string, Reader> =>
    new Map(
      Object.entries(source[verb]).map(([attribute, from]) => {
        const at = [...path, verb, attribute]
        const kind = type.attributes.get(attribute) ?? fail(`${type.name} does not describe it`, at)
        if (verb !== 'set' && kind !== 'tags' && kind !== 'map') fail(`${verb} is for maps`, at)
        return [attribute, compileReader(from, fail, at)]
      }),
    )
  return {
    type,
    identity: listOf(source.identity).map((from): Identity =>
      typeof from === 'string' ? { from: placeOf(from) } : { from: placeOf(from.from), after: from.after },
    ),
    effect: source.effect,
    set: readersOf('set'),
    add: readersOf('add'),
    remove: readersOf('remove'),
  }
}

function compileReader(source: v.InferOutput<typeof reader>, fail: Fail, path: readonly unknown[]): Reader {
  if (typeof source === 'string') return { read: 'value', from: [placeOf(source)] }
  const { read, fields } = source
  if ((read === 'blocks') !== (fields !== undefined)) fail('`fields` belongs to `read: blocks`', path)
  const reading: Reading = read === 'blocks' ? { read, fields: fieldsOf(fields ?? {}) } : { read }
  const from = listOf(source.from).map(placeOf)
  return source.default === undefined ? { from, ...reading } : { from, ...reading, default: source.default }
}

function fieldsOf(fields: Readonly<Record<string, FieldSource>>): Fields {
  const compiled = Object.entries(fields).map(([name, source]): [string, { from: string } & Reading] =>
    typeof source === 'string'
      ? [name, { from: source, read: 'value' }]
      : [name, { from: source.from, read: source.read, fields: fieldsOf(source.fields) }],
  )
  return new Map(compiled)
}

function placeOf(text: string): Place {
  const [root, ...names] = text.split('.')
  // The schema has let no other root through.
  return { root: root as Place['root'], names }
}

/** Each example's record is the file's common one with its own fields over it. */
function examplesOf(file: File): readonly Example[] {
  const { record, state } = file.examples
  return Object.entries(file.events).flatMap(([event, { examples }]) =>
    examples.map((example) => ({
      event,
      name: example.name,
      record: { ...record, eventSource: file.source, eventName: event, ...example.record },
      state,
      finds: example.finds,
    })),
  )
}

const listOf = <T>(value: T | T[]): readonly T[] => (Array.isArray(value) ? value : [value])
