// Writes test/models/aws: of each service's API, the operations that the catalog names. The catalog's tests hold events and
// places against them.
//   npm pack aws-sdk@2.1693.0 && tar xzf aws-sdk-2.1693.0.tgz package/apis
//   node local/catalog/models.ts package/apis [service …]
// With an operation's name in the place of the services it prints that operation: node local/catalog/models.ts <folder> iam:CreateRole
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSeq, parseDocument } from 'yaml'
import { parseService } from '../../enclave/core/catalog_file.ts'
import { catalogFiles, MODELS, SCHEMAS } from './files.ts'

/** Deeper than this no place of the catalog leads. */
const MAX_DEPTH = 9

interface Shape {
  readonly shape?: string
  readonly type?: string
  readonly locationName?: string
  readonly members?: Readonly<Record<string, Shape>>
  readonly member?: Shape
  readonly value?: Shape
}
interface Model {
  readonly metadata: { readonly endpointPrefix: string; readonly signingName?: string; readonly protocol: string }
  readonly operations: Readonly<Record<string, { readonly input?: Shape; readonly output?: Shape }>>
  readonly shapes: Readonly<Record<string, Shape>>
}
interface Operation {
  readonly input?: string
  readonly output?: string
}

/** A shape as text: `{Name@locationName:type, …}`, `[element]` or `[locationName:element]`, `<value>` for a map. */
function textOf(shape: Shape, model: Model, depth = 0, above: readonly string[] = []): string {
  const { shape: name, ...own } = shape
  if (name !== undefined && (above.includes(name) || depth > MAX_DEPTH)) return '…'
  const whole = name === undefined ? own : { ...model.shapes[name], ...own }
  const inner = (next: Shape = {}): string =>
    textOf(next, model, depth + 1, name === undefined ? above : [...above, name])
  const { member: element } = whole
  if (whole.type === 'list')
    return element?.locationName === undefined ? `[${inner(element)}]` : `[${element.locationName}:${inner(element)}]`
  if (whole.type === 'map') return `<${inner(whole.value)}>`
  if (whole.type !== 'structure') return whole.type ?? 'string'
  const members = Object.entries(whole.members ?? {}).map(([member, of]) => {
    const { locationName } = of
    return `${member}${locationName === undefined || locationName === member ? '' : `@${locationName.replace(':', '-')}`}:${inner(of)}`
  })
  return `{${members.join(', ')}}`
}

const operationOf = ({ input, output }: Model['operations'][string], model: Model): Operation => ({
  ...(input === undefined ? {} : { input: textOf(input, model) }),
  ...(output === undefined ? {} : { output: textOf(output, model) }),
})

/** What records of several operations of one name can have between them. */
function either(operations: readonly Operation[]): Operation {
  const members = (of: 'input' | 'output'): string =>
    operations.flatMap(({ [of]: text = '{}' }) => (text === '{}' ? [] : [text.slice(1, -1)])).join(', ')
  return { input: `{${members('input')}}`, output: `{${members('output')}}` }
}

/** The models of a service: those that the catalog file names in its order, or the newest first. */
async function modelsOf(folder: string, source: string, named: readonly string[]): Promise<readonly Model[]> {
  const label = source.split('.', 1)[0] ?? ''
  const files = (await readdir(folder))
    .filter((file) => file.endsWith('.min.json'))
    .toSorted()
    .toReversed()
  const wanted =
    named.length > 0 ? named.flatMap((name) => files.filter((file) => file.startsWith(`${name}-2`))) : files
  const models = await Promise.all(
    wanted.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Model),
  )
  if (named.length > 0) return models
  return models.filter(
    ({ metadata }) => metadata !== undefined && [metadata.signingName, metadata.endpointPrefix].includes(label),
  )
}

const [folder, ...services] = process.argv.slice(2)
if (folder === undefined)
  throw new TypeError('usage: node local/catalog/models.ts <apis> [service … | source:Operation]')

const [label, wanted] = services[0]?.split(':') ?? []
if (label !== undefined && wanted !== undefined) {
  for (const model of await modelsOf(folder, label, [])) {
    const operation = model.operations[wanted]
    if (operation !== undefined) process.stdout.write(`${JSON.stringify(operationOf(operation, model), null, 2)}\n`)
  }
} else
  for (const { name, text } of await catalogFiles(services)) {
    const named = parseDocument(text).get('models')
    const { source, calls } = parseService(text, name, await readFile(new URL(`${name}.json`, SCHEMAS), 'utf8'))
    const models = await modelsOf(folder, source, isSeq(named) ? (named.toJSON() as string[]) : [])
    const operations: Record<string, Operation> = {}
    for (const { operation, places } of calls) {
      const found = models.flatMap((model) => {
        const { [operation]: own } = model.operations
        return own === undefined ? [] : [operationOf(own, model)]
      })
      if (found.length === 0) continue
      // Without names they are versions of one API; with names they are APIs that share a source.
      const { input, output } = isSeq(named) ? either(found) : (found[0] ?? {})
      operations[operation] = {
        ...(input === undefined ? {} : { input }),
        ...(output === undefined || !places.some((place) => place.startsWith('response')) ? {} : { output }),
      }
    }
    const sorted = Object.fromEntries(Object.entries(operations).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    await writeFile(new URL(`${name}.json`, MODELS), `${JSON.stringify(sorted, null, 2)}\n`)
  }
