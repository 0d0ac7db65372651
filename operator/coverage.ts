import { basename } from 'node:path'
import type { Call, CatalogEntry, ResourceType, Service, Target } from '../enclave/core/catalog.ts'

/** What the catalog covers of one file's service, in numbers. */
export interface Coverage {
  readonly file: string
  readonly title: string
  readonly source: string
  /** Calls that change configuration, other names of them not counted. */
  readonly events: number
  readonly types: number
  /** Attributes of those types that some call sets. */
  readonly attributes: number
  readonly examples: number
  readonly content: number
  /** What no API model proves. */
  readonly unproven: number
}

const EFFECTS: Readonly<Record<Target['effect'], string>> = {
  change: 'changes',
  create: 'creates',
  put: 'sets',
  delete: 'deletes',
}

const fileOf = ({ name }: Service): string => basename(name, '.yaml')

/** What a call does, its types being those of its own file. */
function targetsOf({ events, tagging, types }: Service, { event }: Call): readonly Target[] {
  const entry: CatalogEntry | undefined = events.get(event) ?? tagging.get(event)?.(types)
  return entry?.kind === 'configuration' ? entry.targets : []
}

const attributesOf = ({ set, add, remove, touch }: Target): readonly string[] => [
  ...set.keys(),
  ...add.keys(),
  ...remove.keys(),
  ...touch,
]

/** By type, in the file's order, every attribute that some call sets. */
function watched(service: Service): readonly (readonly [type: ResourceType, attributes: readonly string[]])[] {
  const targets = service.calls.flatMap((call) => targetsOf(service, call))
  return service.types.map((type) => {
    const own = targets.filter((target) => target.type === type).flatMap(attributesOf)
    return [type, [...new Set(own)].toSorted()] as const
  })
}

export function coverageOf(service: Service): Coverage {
  const { title, source, calls, types, events, examples } = service
  return {
    file: fileOf(service),
    title,
    source,
    events: calls.length,
    types: types.length,
    attributes: watched(service).reduce((sum, [, attributes]) => sum + attributes.length, 0),
    examples: examples.length,
    content: [...events.values()].filter(({ kind }) => kind === 'content').length,
    unproven: calls.reduce((sum, { unproven }) => sum + Object.keys(unproven).length, 0),
  }
}

/** The generated pages of docs/coverage, by file name. */
export function coveragePages(services: readonly Service[]): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', matrix(services.map(coverageOf))],
    ...services.map((service) => [`${fileOf(service)}.md`, page(service)] as const),
  ])
}

const NOTICE = '<!-- Generated from rules/catalog by `driftseal coverage --write`; edit that instead. -->'

/** One line a service, and the sums. */
function matrix(rows: readonly Coverage[]): string {
  const sum = (count: (row: Coverage) => number): number => rows.reduce((total, row) => total + count(row), 0)
  const sources = new Set(rows.map(({ source }) => source)).size
  return lines([
    NOTICE,
    '# Coverage',
    `${sum((row) => row.events)} calls of ${sources} AWS services change ${sum((row) => row.types)} Terraform types. Each has examples that the tests ` +
      "run; each attribute is held against the provider's schema, each call and each place in its record against the service's API. What no " +
      'model proves is counted as unproven, and its page says why. A mutating call that is not here is reported as *not checked*.',
    table(
      ['Service', 'Calls', 'Types', 'Attributes', 'Examples', 'Content calls', 'Unproven'],
      rows.map((row) => [
        `[${row.title}](${row.file}.md)`,
        ...[row.events, row.types, row.attributes, row.examples, row.content, row.unproven].map(String),
      ]),
    ),
  ])
}

function page(service: Service): string {
  const { title, source, also, calls, events } = service
  const aliases = new Set(calls.flatMap((call) => call.aliases))
  const content = Array.from(events, ([event, { kind }]) =>
    kind === 'content' && !aliases.has(event) ? [event] : [],
  ).flat()
  const unproven = calls.flatMap(({ event, unproven: reasons }) =>
    Object.entries(reasons).map(
      ([place, reason]) => `- ${event}, ${place === 'event' ? 'the call itself' : code(place)}: ${reason}`,
    ),
  )
  return lines([
    NOTICE,
    `# ${title}: drift coverage`,
    `Event source ${code(source)}${also === undefined ? '' : ` or ${code(also)}`}.`,
    '## Calls',
    table(
      ['Call', 'What it does'],
      calls.map((call) => [[call.event, ...call.aliases].join(', '), call.about ?? doing(targetsOf(service, call))]),
    ),
    '## Monitored attributes',
    ...watched(service).flatMap(([type, attributes]) => [
      `### ${code(type.name)}`,
      attributes.length === 0
        ? 'That it is made and deleted.'
        : attributes.map((name) => `- ${code(name)}${kindOf(type, name)}`).join('\n'),
    ]),
    ...(content.length === 0
      ? []
      : [
          '## Content',
          `These calls write content, not configuration, and are ignored: ${content.toSorted().join(', ')}.`,
        ]),
    ...(unproven.length === 0 ? [] : ['## Unproven', unproven.join('\n')]),
  ])
}

/** Forms of one thing are named together: `creates aws_iam_role_policy: policy`. */
function doing(targets: readonly Target[]): string {
  const seen = new Set(
    targets.map((target) => {
      const attributes = attributesOf(target).map(code).join(', ')
      return `${EFFECTS[target.effect]} ${code(target.type.name)}${attributes === '' ? '' : `: ${attributes}`}`
    }),
  )
  return [...seen].join('; ')
}

/** What is compared otherwise than its type suggests. */
function kindOf({ attributes }: ResourceType, name: string): string {
  const kind = attributes.get(name)?.kind
  return kind === undefined || kind === 'string' ? '' : ` (${kind.replaceAll('_', ' ')})`
}

const code = (text: string): string => `\`${text}\``
const lines = (paragraphs: readonly string[]): string => `${paragraphs.join('\n\n')}\n`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[], fill = ' ') =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(' | ')} |`
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...rows.map((row) => line(row)),
  ].join('\n')
}
