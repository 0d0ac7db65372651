import { parse } from 'yaml'
import type { Tree } from './git.ts'

type Fields = Readonly<Record<string, unknown>>

/** A thing that a file of rules/ defines, by the name that people know it by. */
interface Definition {
  readonly name: string
  readonly fields: Fields
}

/** What a reviewer reads in full; of other fields the name has to do. */
const SHOWN = new Set(['severity', 'priority', 'enabled', 'condition', 'conditions', 'filters', 'items', 'value'])
/** They prove a rule and change nothing that it does. */
const LEFT_OUT = new Set(['examples'])

/**
 * What changed in `rules/`, in words. It reads the files as YAML alone: an older tree need not be one that today's
 * compiler takes.
 */
export function ruleChanges(before: Tree, after: Tree): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort()
  const changed = paths.filter((path) => before.get(path) !== after.get(path))
  return changed.flatMap((path) => {
    const [old, now] = [before, after].map((tree) => definitionsIn(path, tree.get(path)))
    if (old === undefined || now === undefined) return [`${path}: changed; read it in the diff`]
    return definitionChanges(old, now).map((change) => `${path}: ${change}`)
  })
}

function definitionChanges(before: readonly Definition[], after: readonly Definition[]): readonly string[] {
  const [old, now] = [before, after].map((list) => new Map(list.map(({ name, fields }) => [name, fields])))
  return [
    ...after.filter(({ name }) => !old?.has(name)).map(({ name }) => `${name} added`),
    ...before.filter(({ name }) => !now?.has(name)).map(({ name }) => `${name} removed`),
    ...after.flatMap(({ name, fields }) => {
      const was = old?.get(name)
      return was === undefined ? [] : fieldChanges(was, fields).map((change) => `${name}: ${change}`)
    }),
  ]
}

function fieldChanges(before: Fields, after: Fields): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = names.filter((name) => !LEFT_OUT.has(name) && shown(before[name]) !== shown(after[name]))
  return changed.map((name) =>
    SHOWN.has(name) ? `${name} ${shown(before[name])} -> ${shown(after[name])}` : `${name} changed`,
  )
}

/** Undefined for what is no list of definitions, or no YAML at all: then the diff has to be read. */
function definitionsIn(path: string, text: string | undefined): readonly Definition[] | undefined {
  if (text === undefined) return []
  if (!path.endsWith('.yaml')) return undefined
  try {
    const content: unknown = parse(text, { logLevel: 'error' })
    if (Array.isArray(content)) return content.map(falcoItem)
    if (isFields(content) && Array.isArray(content['rules'])) return content['rules'].map(nativeRule)
    if (isFields(content) && typeof content['source'] === 'string') return catalogEvents(content)
  } catch {
    return undefined
  }
  return undefined
}

function falcoItem(item: unknown, index: number): Definition {
  const fields = isFields(item) ? item : {}
  const [kind, name] = Object.entries(fields).find(([key]) => ['rule', 'macro', 'list'].includes(key)) ?? []
  return { name: kind === undefined ? `item ${index + 1}` : `${kind} "${String(name)}"`, fields }
}

function nativeRule(item: unknown, index: number): Definition {
  const fields = isFields(item) ? item : {}
  return { name: `rule ${shown(fields['id'] ?? index + 1)}`, fields }
}

/** Events and types that are judged, and the calls that are declared to change nothing. */
function catalogEvents(file: Fields): readonly Definition[] {
  const { source, events, types, content, ...rest } = file
  const each = (kind: string, entries: unknown) =>
    Object.entries(isFields(entries) ? entries : {}).map(([name, entry]) => ({
      name: `${kind} ${name} of ${String(source)}`,
      fields: isFields(entry) ? entry : { value: entry },
    }))
  const ignored = (Array.isArray(content) ? content : []).map((call) => ({
    name: `call ${String(call)} of ${String(source)}, taken to change no resource,`,
    fields: {},
  }))
  return [...each('event', events), ...each('type', types), ...ignored, { name: 'the file', fields: rest }]
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** On one line, whatever the layout in the file was. */
const shown = (value: unknown): string =>
  typeof value === 'string' ? value.trim().replaceAll(/\s+/g, ' ') : (JSON.stringify(value) ?? '(none)')
