import { isObject, isWithinDepth, type Json, type JsonObject } from './json.ts'

/** V8 ends a string at 512 Mi characters; 100,000 resources take about 150 Mi. */
const MAX_CHARS = 256 * 1024 * 1024
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

/** One instance of a managed resource. */
export interface Instance {
  /** Terraform's full address: `module.a["x"].aws_ecr_repository.b[0]`. */
  readonly address: string
  readonly type: string
  /** The provider configuration it belongs to, alias included. */
  readonly provider: string
  readonly attributes: JsonObject
  /** Paths of attributes that Terraform marks as sensitive, without indexes. */
  readonly sensitive: readonly string[]
  readonly dependencies: readonly string[]
}

/** A Terraform or OpenTofu state, format 4. */
export interface State {
  readonly name: string
  /** Empty where the file has none. */
  readonly lineage: string
  readonly serial: number
  /** Managed resources only: data sources are read, not owned, and deposed objects are on their way out. */
  readonly instances: readonly Instance[]
}

/** Reads a state; `name` is the file or key that people know it by. */
export function parseState(text: string, name: string): State {
  const fail = failIn(name)
  if (text.length > MAX_CHARS) fail('ERR_STATE_LIMIT', `over ${MAX_CHARS} characters`)
  const root = parseJson(text, fail)
  if (!isObject(root)) return fail('ERR_STATE_JSON', 'not a JSON object')
  if (root['encrypted_data'] !== undefined) fail('ERR_STATE_ENCRYPTED', 'encrypted by OpenTofu; give it decrypted')
  if (root['version'] !== 4)
    fail('ERR_STATE_VERSION', 'not a state of format 4; Terraform 0.12 and later write that on the next apply')
  if (!isWithinDepth(root, MAX_DEPTH)) fail('ERR_STATE_LIMIT', `nests over ${MAX_DEPTH} deep`)
  const { serial } = root
  const lineage = optionalText(root['lineage'], 'lineage', fail)
  if (typeof serial !== 'number' || !Number.isSafeInteger(serial) || serial < 0)
    return fail('ERR_STATE_SHAPE', 'serial is not a whole number')
  const instances = objects(root['resources'] ?? [], 'resources', fail).flatMap((resource) =>
    parseResource(resource, fail),
  )
  if (instances.length > MAX_INSTANCES) fail('ERR_STATE_LIMIT', `over ${MAX_INSTANCES} instances`)
  return { name, lineage, serial, instances }
}

type Fail = (code: StateErrorCode, what: string) => never

const failIn =
  (name: string): Fail =>
  (code, what) => {
    throw new StateError(code, `${name}: ${what}`)
  }

function parseJson(text: string, fail: Fail): Json {
  try {
    // JSON.parse gives Json and nothing else.
    return JSON.parse(text) as Json
  } catch {
    return fail('ERR_STATE_JSON', 'not JSON')
  }
}

function parseResource(resource: JsonObject, fail: Fail): readonly Instance[] {
  const { mode, type, name } = resource
  if (mode !== 'managed' && mode !== 'data') return fail('ERR_STATE_SHAPE', 'a resource is neither managed nor data')
  if (mode === 'data') return []
  if (typeof type !== 'string' || typeof name !== 'string')
    return fail('ERR_STATE_SHAPE', 'a resource without type or name')
  const module = optionalText(resource['module'], 'module', fail)
  const provider = optionalText(resource['provider'], 'provider', fail)
  const base = `${module === '' ? '' : `${module}.`}${type}.${name}`
  return objects(resource['instances'] ?? [], `${base}: instances`, fail)
    .filter((instance) => instance['deposed'] === undefined)
    .map((instance) => {
      const address = base + indexKey(instance['index_key'], base, fail)
      if (instance['attributes_flat'] !== undefined && instance['attributes'] === undefined)
        fail(
          'ERR_STATE_LEGACY',
          `${address} is in the form of Terraform 0.11; any apply by a later version rewrites it`,
        )
      const attributes = instance['attributes'] ?? {}
      if (!isObject(attributes)) return fail('ERR_STATE_SHAPE', `${address}: attributes are not an object`)
      return {
        address,
        type,
        provider,
        attributes,
        sensitive: sensitivePaths(instance['sensitive_attributes'] ?? [], address, fail),
        dependencies: texts(instance['dependencies'] ?? [], `${address}: dependencies`, fail),
      }
    })
}

function indexKey(key: Json | undefined, base: string, fail: Fail): string {
  if (key === undefined || key === null) return ''
  if (typeof key === 'number' || typeof key === 'string') return `[${JSON.stringify(key)}]`
  return fail('ERR_STATE_SHAPE', `${base}: index_key is neither number nor text`)
}

/** Each is a list of steps: `{type: "get_attr", value: "name"}`, or an index, which the path leaves out. */
function sensitivePaths(value: Json, address: string, fail: Fail): readonly string[] {
  if (!Array.isArray(value)) return fail('ERR_STATE_SHAPE', `${address}: sensitive_attributes are not a list`)
  return value.map((steps: Json) => {
    const names = objects(steps, `${address}: sensitive_attributes`, fail)
      .map((step) => step['value'])
      .filter((step) => typeof step === 'string')
    // A path that cannot be read would leave a secret in clear.
    return names.length > 0 ? names.join('.') : fail('ERR_STATE_SHAPE', `${address}: unreadable sensitive_attributes`)
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
