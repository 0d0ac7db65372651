import { placeInArn } from './arn.ts'
import { inOnePiece, isObject, type Json, type JsonObject } from './json.ts'
import { keyPath } from './path.ts'
import { beginsObject, cutLists, decode, type Cut, type Part } from './state_text.ts'

/** 100,000 resources take about 200 MB as Terraform writes them. */
const MAX_BYTES = 256 * 1024 * 1024
const MAX_DEPTH = 64
const MAX_INSTANCES = 200_000

export type StateErrorCode =
  | 'ERR_STATE_JSON'
  | 'ERR_STATE_VERSION'
  | 'ERR_STATE_ENCRYPTED'
  | 'ERR_STATE_LEGACY'
  | 'ERR_STATE_SHAPE'
  | 'ERR_STATE_LIMIT'

/** A file that cannot serve as a state. The message names the file and the place, never a value. */
export class StateError extends Error {
  readonly code: StateErrorCode

  constructor(code: StateErrorCode, message: string) {
    super(message)
    this.name = 'StateError'
    this.code = code
  }
}

/** An account and a region, as far as they are known. */
export interface Where {
  readonly account: string | undefined
  readonly region: string | undefined
}

/** One instance of a managed resource. What it holds stays in the bytes of its state until `contentOf` reads it. */
export interface Instance extends Part {
  /**
   * Terraform's full address: `module.a["x"].aws_ecr_repository.b[0]`. A deposed object, which waits for its destruction
   * under the address that its successor has now, is named as Terraform names it: `aws_instance.a (deposed object 3b5c…)`.
   */
  readonly address: string
  readonly isDeposed: boolean
  readonly origin: Origin
}

/** What instances have in common: one object for all of them, since a hundred thousand would have the same. */
export interface Origin {
  readonly file: StateFile
  readonly type: string
  /** The provider configuration they belong to, alias included. */
  readonly provider: string
  /** What their ARNs say; undefined where they have none. */
  readonly where: Where | undefined
}

/** A state as it was read. */
export interface StateFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What the state holds of an instance. */
export interface Content {
  readonly attributes: JsonObject
  /** Paths of attributes that Terraform marks as sensitive, without the indexes of lists. */
  readonly sensitive: readonly string[]
  readonly dependencies: readonly string[]
}

/** A Terraform or OpenTofu state, format 4. */
export interface State extends StateFile {
  /** Empty where the file has none. */
  readonly lineage: string
  readonly serial: number
  /** Managed resources only: data sources are read, not owned. */
  readonly instances: readonly Instance[]
}

/** Reads a state; `name` is the file or key that people know it by. The bytes belong to the state from then on. */
export function parseState(source: string | Uint8Array, name: string): State {
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  const fail = failIn(name)
  if (bytes.length > MAX_BYTES) fail('ERR_STATE_LIMIT', `over ${MAX_BYTES} bytes`)
  const text: Text = { file: { name, bytes }, origins: new Map(), fail }
  const [root, lists] = parseCut({ start: 0, end: bytes.length }, text)
  if (root['encrypted_data'] !== undefined) fail('ERR_STATE_ENCRYPTED', 'encrypted by OpenTofu; give it decrypted')
  if (root['version'] !== 4)
    fail('ERR_STATE_VERSION', 'not a state of format 4; Terraform 0.12 and later write that on the next apply')
  const { serial } = root
  const lineage = optionalText(root['lineage'], 'lineage', fail)
  if (typeof serial !== 'number' || !Number.isSafeInteger(serial) || serial < 0)
    return fail('ERR_STATE_SHAPE', 'serial is not a whole number')
  const instances = items(root['resources'], lists, 'resources', text).flatMap((part) => parseResource(part, text))
  if (instances.length > MAX_INSTANCES) fail('ERR_STATE_LIMIT', `over ${MAX_INSTANCES} instances`)
  return { name, lineage, serial, instances, bytes }
}

/** What its state holds of an instance; `parseState` has found it well-formed. */
export function contentOf(instance: Instance): Content {
  const { name, bytes } = instance.origin.file
  return parseContent(JSON.parse(decode(bytes, instance)) as JsonObject, instance.address, failIn(name))
}

type Fail = (code: StateErrorCode, what: string) => never

interface Text {
  readonly file: StateFile
  /** By type and provider, and then by place. */
  readonly origins: Map<string, Map<string, Origin>>
  readonly fail: Fail
}

const failIn =
  (name: string): Fail =>
  (code, what) => {
    throw new StateError(code, `${name}: ${what}`)
  }

/** What is no UTF-8 is no JSON either. */
function readJson<T>(read: () => T, fail: Fail): T {
  try {
    return read()
  } catch {
    return fail('ERR_STATE_JSON', 'not JSON')
  }
}

/** An object of the text, and the lists that are taken out of it. */
function parseCut(whole: Part, { file, fail }: Text): readonly [JsonObject, Cut['lists']] {
  const cut = readJson(() => cutLists(file.bytes, whole, MAX_DEPTH), fail)
  if (cut === undefined) return fail('ERR_STATE_JSON', `not JSON, or nests over ${MAX_DEPTH} deep`)
  return [JSON.parse(cut.skeleton) as JsonObject, cut.lists]
}

/** Where the objects lie that a member of a skeleton lists. */
function items(member: Json | undefined, lists: Cut['lists'], what: string, { file, fail }: Text): readonly Part[] {
  if (member === undefined || member === null) return []
  const list = Array.isArray(member) ? lists[Number(member[0])] : undefined
  if (list?.every(({ start }) => beginsObject(file.bytes, start))) return list
  return fail('ERR_STATE_SHAPE', `${what} are not a list of objects`)
}

function parseResource(whole: Part, text: Text): readonly Instance[] {
  const { file, origins, fail } = text
  const [resource, lists] = parseCut(whole, text)
  const { mode, type, name } = resource
  if (mode !== 'managed' && mode !== 'data') return fail('ERR_STATE_SHAPE', 'a resource is neither managed nor data')
  if (mode === 'data') return []
  if (typeof type !== 'string' || typeof name !== 'string')
    return fail('ERR_STATE_SHAPE', 'a resource without type or name')
  const module = optionalText(resource['module'], 'module', fail)
  const provider = optionalText(resource['provider'], 'provider', fail)
  const base = `${module === '' ? '' : `${module}.`}${type}.${name}`
  const byPlace = origins.getOrInsertComputed(`${type}\n${provider}`, () => new Map())
  return items(resource['instances'], lists, `${base}: instances`, text).map(({ start, end }) => {
    const instance = readJson(() => JSON.parse(decode(file.bytes, { start, end })) as JsonObject, fail)
    const deposed = optionalText(instance['deposed'], `${base}: deposed`, fail)
    const current = base + indexKey(instance['index_key'], base, fail)
    const address = inOnePiece(deposed === '' ? current : `${current} (deposed object ${deposed})`)
    const where = whereOf(parseContent(instance, address, fail).attributes)
    const key = `${where?.account}/${where?.region}`
    const origin = byPlace.get(key) ?? { file, type, provider, where }
    byPlace.set(key, origin)
    return { address, isDeposed: deposed !== '', origin, start, end }
  })
}

function parseContent(instance: JsonObject, address: string, fail: Fail): Content {
  if (instance['attributes_flat'] !== undefined && instance['attributes'] === undefined)
    fail('ERR_STATE_LEGACY', `${address} is in the form of Terraform 0.11; any apply by a later version rewrites it`)
  const attributes = instance['attributes'] ?? {}
  if (!isObject(attributes)) return fail('ERR_STATE_SHAPE', `${address}: attributes are not an object`)
  return {
    attributes,
    sensitive: sensitivePaths(instance['sensitive_attributes'] ?? [], address, fail),
    dependencies: texts(instance['dependencies'] ?? [], `${address}: dependencies`, fail),
  }
}

/** Some resources have their ARN in `id` alone. API Gateway's `arn` has no account, its `execution_arn` has. */
function whereOf({ execution_arn: invoked, arn, id }: JsonObject): Where | undefined {
  const text = [invoked, arn, id].find((value) => typeof value === 'string' && value.startsWith('arn:'))
  return typeof text === 'string' ? placeInArn(text) : undefined
}

function indexKey(key: Json | undefined, base: string, fail: Fail): string {
  if (key === undefined || key === null) return ''
  if (typeof key === 'number' || typeof key === 'string') return `[${JSON.stringify(key)}]`
  return fail('ERR_STATE_SHAPE', `${base}: index_key is neither number nor text`)
}

/** Each is a list of steps: into an attribute, into a map by key, or into a list by number, which the path leaves out. */
function sensitivePaths(value: Json, address: string, fail: Fail): readonly string[] {
  if (!Array.isArray(value)) return fail('ERR_STATE_SHAPE', `${address}: sensitive_attributes are not a list`)
  return value.map((steps: Json) => {
    const [first, ...rest] = objects(steps, `${address}: sensitive_attributes`, fail)
      .map(({ value: step }) => (isObject(step) ? step['value'] : step))
      .filter((step) => typeof step === 'string')
    // A path that cannot be read would leave a secret in clear.
    return first === undefined
      ? fail('ERR_STATE_SHAPE', `${address}: unreadable sensitive_attributes`)
      : rest.reduce(keyPath, first)
  })
}

function objects(value: Json, what: string, fail: Fail): readonly JsonObject[] {
  if (Array.isArray(value) && value.every(isObject)) return value
  return fail('ERR_STATE_SHAPE', `${what} are not a list of objects`)
}

function texts(value: Json, what: string, fail: Fail): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value
  return fail('ERR_STATE_SHAPE', `${what} are not a list of texts`)
}

function optionalText(value: Json | undefined, what: string, fail: Fail): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : fail('ERR_STATE_SHAPE', `${what} is not text`)
}
