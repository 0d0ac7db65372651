import type { Reader } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { isRedacted, isSame } from './meaning.ts'
import { valueAt } from './path.ts'
import { listOf, plain, type Step } from './lists.ts'
import { patch, patched, unpatched } from './patch.ts'
import { readPlace, standsAt, type Place } from './place.ts'
import * as steps from './reader.ts'

/** Says what is wrong at a path of the catalog file. */
export type Fail = (message: string, path: readonly unknown[]) => never
/** Hears of every place that the file names, for the proof against the service's API model. */
export type Note = (place: string) => void

/** What a reader is compiled in: the file's place, and for a field of a block the place of the block. */
export interface Context {
  readonly fail: Fail
  readonly note: Note
  readonly path: readonly unknown[]
  readonly block?: string
}

/** Reads with the block at hand, which is null outside of blocks. */
type Read = (event: CloudEvent, block: Json) => Json | undefined

const PLACE = /^(request|response|event|element)(?:\.(.+))?$/
/** In a template: `${place}` or `${place|step}`, and `=default` for where nothing is there. */
const PIECE = /\$\{([^}|=]+)(?:\|(\w+))?(?:=([^}]+))?\}/g

/** Compiles what the catalog writes for a value: a place, several, a template, a constant, or a mapping of steps. */
export function compileReader(source: unknown, context: Context): Reader {
  const read = compileRead(source as Json, context) // YAML's core schema makes nothing but JSON
  return (event) => read(event, null)
}

function compileRead(source: Json, context: Context): Read {
  if (typeof source === 'string')
    return source.includes('${') ? compileTemplate(source, context) : compilePlace(source, context)
  if (Array.isArray(source)) return firstOf(source.map((one: Json) => compileRead(one, context)))
  if (!isObject(source)) return () => source
  return compileSteps(source, context)
}

function compileSteps(source: JsonObject, context: Context): Read {
  const { fail, path } = context
  const { from, value, default: fallback, ...rest } = source
  if (value !== undefined) {
    if (Object.keys(source).length > 1) fail('`value` stands alone', path)
    return () => value
  }
  if (from === undefined) return fail('`from` or `value` is missing', path)
  const [only] = Array.isArray(from) ? (from as readonly Json[]) : [from]
  const here = typeof only === 'string' ? placeText(only, context) : ''
  const read = compileRead(from, context)
  if (rest['read'] === 'exists') return (event, block) => read(event, block) !== undefined
  let block = here
  const line = Object.entries(rest).flatMap(([name, argument]) => {
    const step = compileStep(name, argument, { ...context, block })
    if (name === 'placed' && typeof argument === 'string') block = `${here}.${argument}` // the blocks are of that member
    return step
  })
  return (event, around) => {
    let at = read(event, around)
    if (at === null) at = undefined
    for (const step of line) {
      // What CloudTrail hides stays hidden: in lower case or in a list it would pass for a value.
      if (at === undefined || isHidden(at)) break
      at = step(at, event)
    }
    // Of parameters that CloudTrail left out, nobody knows what they did not say.
    return at ?? (event.request['omitted'] === true ? undefined : fallback)
  }
}

type ContextStep = (value: Json, event: CloudEvent) => Json | undefined

/** Steps that take an argument, by their keys. */
const ARGUMENTS: Readonly<Record<string, (argument: Json, fail: (message: string) => never) => Step>> = {
  pick: (key, fail) => (typeof key === 'string' ? steps.pick(key) : fail('pick takes a key')),
  pluck: (path, fail) => (typeof path === 'string' ? steps.pluck(path.split('.')) : fail('pluck takes a path')),
  at: (path, fail) => {
    if (typeof path !== 'string') return fail('at takes a path')
    const names = path.split('.')
    return (value) => valueAt(value, names)
  },
  where: (fields, fail) => (isObject(fields) ? steps.where(fields) : fail('where takes fields and values')),
  placed: (name, fail) => (typeof name === 'string' ? steps.placed(name) : fail('placed takes a name')),
  without: (fields, fail) => {
    const all: readonly Json[] = Array.isArray(fields) ? fields : [fields]
    return all.every(isObject) ? steps.without(...all) : fail('without takes fields and values, or a list of them')
  },
  map: (words, fail) => (isObject(words) ? steps.translate(words) : fail('map takes words and values')),
  after: (mark, fail) => (typeof mark === 'string' && mark !== '' ? steps.after(mark) : fail('after takes a text')),
  before: (mark, fail) => (typeof mark === 'string' && mark !== '' ? steps.before(mark) : fail('before takes a text')),
  split: (mark, fail) => (typeof mark === 'string' && mark !== '' ? steps.split(mark) : fail('split takes a text')),
  patch: (path, fail) => (typeof path === 'string' ? patch(path) : fail('patch takes a path')),
  patched: (path, fail) => (typeof path === 'string' ? patched(path) : fail('patched takes a path')),
  unpatched: (path, fail) => (typeof path === 'string' ? unpatched(path) : fail('unpatched takes a path')),
  snake: (names, fail) => (isObject(names) ? steps.snake(names) : fail('snake takes names and other names')),
  times: (factor, fail) => (typeof factor === 'number' ? steps.times(factor) : fail('times takes a number')),
  plus: (more, fail) => (typeof more === 'number' ? steps.plus(more) : fail('plus takes a number')),
}

function compileStep(name: string, argument: Json, context: Context): readonly ContextStep[] {
  const path = [...context.path, name]
  const fail = (message: string): never => context.fail(message, path)
  if (name === 'read')
    return (Array.isArray(argument) ? (argument as readonly Json[]) : [argument]).map(
      (step) =>
        (typeof step === 'string' ? steps.STEPS.get(step) : undefined) ??
        fail(`no step is called ${JSON.stringify(step)}`),
    )
  if (name === 'blocks') return [compileBlocks(argument, { ...context, path })]
  if (name === 'none_at') {
    const none = compileRead(argument, { ...context, path })
    return [(value, event) => (isSame('number', value, none(event, null) ?? null) ? 0 : value)]
  }
  if (name === 'pluck' && typeof argument === 'string') context.note(`${context.block ?? ''}.${argument}`)
  const compile = Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name] : undefined
  return [compile?.(argument, fail) ?? fail('no such step')]
}

/** A list of objects, to Terraform's blocks: its names, and null or no blocks for what is not there. */
function compileBlocks(source: Json, context: Context): ContextStep {
  if (!isObject(source)) return context.fail('blocks take the names of their fields', context.path)
  const fields = Object.entries(source).map(([name, field]) => {
    const read = compileRead(field, { ...context, path: [...context.path, name] })
    const missing: Json = isObject(field) && field['blocks'] !== undefined ? [] : null
    return [name, read, missing] as const
  })
  return (value, event) =>
    listOf(value).map((block) =>
      Object.fromEntries(fields.map(([name, read, missing]) => [name, read(event, block) ?? missing])),
    )
}

function compilePlace(text: string, context: Context): Read {
  context.note(placeText(text, context))
  const match = PLACE.exec(text)
  if (match === null) {
    if (context.block === undefined)
      return context.fail('a place begins with request., response., event. or element.', context.path)
    const names = text.split('.')
    return (_, block) => (text === '.' ? block : plain(standsAt(block, names)))
  }
  const place = { root: match[1], names: match[2]?.split('.') ?? [] } as Place // the pattern lets no other root through
  return (event) => readPlace(event, place)
}

function placeText(text: string, { block }: Context): string {
  if (PLACE.test(text) || text.includes('${') || block === undefined) return text
  return text === '.' ? block : `${block}.${text}`
}

const firstOf =
  (reads: readonly Read[]): Read =>
  (event, block) => {
    for (const read of reads) {
      const value = read(event, block)
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }

const isHidden = (value: Json): value is string => typeof value === 'string' && isRedacted(value)

/** Text with places in it; undefined where one of them is empty, hidden where one of them is. */
function compileTemplate(text: string, context: Context): Read {
  const parts: (string | Read)[] = []
  let end = 0
  for (const match of text.matchAll(PIECE)) {
    const [piece, place = '', name, fallback] = match
    parts.push(text.slice(end, match.index), compilePiece(place, name, fallback, context))
    end = match.index + piece.length
  }
  parts.push(text.slice(end))
  return (event, block) => {
    let whole = ''
    for (const part of parts) {
      const value = typeof part === 'string' ? part : part(event, block)
      if (
        value === undefined ||
        value === null ||
        typeof value === 'object' ||
        (value === '' && typeof part !== 'string')
      )
        return undefined
      if (typeof part !== 'string' && isHidden(value)) return value
      whole += String(value)
    }
    return whole
  }
}

function compilePiece(place: string, name: string | undefined, fallback: string | undefined, context: Context): Read {
  const read = compilePlace(place, context)
  const step =
    name === undefined ? undefined : (steps.STEPS.get(name) ?? context.fail(`no step is called ${name}`, context.path))
  return (event, block) => {
    const value = read(event, block) ?? undefined
    return (value === undefined || step === undefined || isHidden(value) ? value : step(value)) ?? fallback
  }
}
