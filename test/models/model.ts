import { existsSync, readFileSync } from 'node:fs'

/** A shape of a service's API, as local/catalog/models.ts writes it. */
export type Shape =
  | { readonly kind: 'structure'; readonly members: readonly (readonly [names: readonly string[], shape: Shape])[] }
  | { readonly kind: 'list'; readonly name: string; readonly element: Shape }
  | { readonly kind: 'map'; readonly value: Shape }
  /** A scalar. */
  | { readonly kind: 'value' }
  /** Cut, because it holds itself. */
  | { readonly kind: 'any' }

interface Operation {
  readonly input?: string
  readonly output?: string
}
export type Model = Readonly<Record<string, Operation>>

export function readModel(service: string): Model {
  const file = new URL(`aws/${service}.json`, import.meta.url)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Model) : {}
}

/** Reads `{Name@locationName:type, …}`, `[element]` or `[locationName:element]`, `<value>`. */
export function parseShape(text: string): Shape {
  let at = 0
  const word = (): string => {
    const start = at
    while (at < text.length && !'{}[]<>,: '.includes(text[at] ?? '')) at += 1
    return text.slice(start, at)
  }
  const shape = (): Shape => {
    const open = text[at]
    if (open === '[' || open === '<') {
      at += 1
      const name = /^[\w.-]+(?=:)/.exec(text.slice(at))?.[0] ?? ''
      if (name !== '') at += name.length + 1
      const inner = shape()
      at += 1
      return open === '[' ? { kind: 'list', name, element: inner } : { kind: 'map', value: inner }
    }
    if (open !== '{') return { kind: word() === '…' ? 'any' : 'value' }
    at += 1
    const members: [readonly string[], Shape][] = []
    while (text[at] !== '}') {
      const names = word().split('@')
      at += 1 // the colon
      members.push([names, shape()])
      if (text[at] === ',') at += 2
    }
    at += 1
    return { kind: 'structure', members }
  }
  return shape()
}

const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1)

/** CloudTrail's names of S3's parameters that are no names of the API's. */
const BUCKET: Readonly<Record<string, string>> = { bucketName: 'Bucket', bucketPolicy: 'Policy' }
/** EC2 wraps lists: `instancesSet.items[].instanceId` is InstanceIds. */
const WRAPPERS = new Set(['items', 'item', 'member', 'Items'])

/** Whether a record of an operation can have something at a place. */
export function holds(shape: Shape, names: readonly string[]): boolean {
  const [name, ...rest] = names
  if (name === undefined || shape.kind === 'any') return true
  if (name === 'content' && rest.length === 0) return true
  if (shape.kind === 'map') return holds(shape.value, rest)
  if (shape.kind === 'list') {
    const isWrapped = WRAPPERS.has(name) || name === shape.name
    if (isWrapped && shape.element.kind !== 'structure') return rest.length <= 1
    return holds(shape.element, isWrapped ? rest : names)
  }
  if (shape.kind === 'value') return false
  return shape.members.some(
    ([spellings, inner]) =>
      (isCalled(name, spellings, inner) && holds(inner, rest)) || (isCounted(spellings, inner) && holds(inner, names)),
  )
}

/** CloudFront's `{Quantity, Items}` is read as a list. */
const isCounted = (spellings: readonly string[], inner: Shape): boolean =>
  spellings.includes('Items') && inner.kind === 'list'

function isCalled(name: string, spellings: readonly string[], inner: Shape): boolean {
  if (spellings.some((spelling) => spelling === name || lowerFirst(spelling) === name)) return true
  if (BUCKET[name] !== undefined) return spellings.includes(BUCKET[name])
  if (inner.kind !== 'list' || !name.endsWith('Set')) return false
  const stem = name.slice(0, -'Set'.length).replace(/s$/, '').toLowerCase()
  return spellings.some((spelling) => spelling.toLowerCase().includes(stem))
}

/** What of a call no model proves: `event`, and places. */
export function unprovenIn(
  model: Model,
  { operation, places }: { readonly operation: string; readonly places: readonly string[] },
): readonly string[] {
  const known = model[operation]
  if (known === undefined) return ['event']
  const [input, output] = [known.input, known.output].map((text) => parseShape(text ?? '{}'))
  return places.filter((place) => {
    const [root, ...names] = place.split('.')
    if (root === 'event') return false
    const shape = root === 'response' ? output : input
    const plain = names.map((name) => name.replace(':', '-')) // XML's `xsi:type`
    const inner = names[0] === `${operation}Request` || names[0] === `${operation}Response` ? plain.slice(1) : plain
    return shape === undefined || !holds(shape, inner)
  })
}
