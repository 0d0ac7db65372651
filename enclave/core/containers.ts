import { listOf, mapValues, sorted } from './document.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** What ECS fills in where a definition is silent. */
const DEFAULTS: JsonObject = { cpu: 0, essential: true }
const PORT_DEFAULTS: JsonObject = { protocol: 'tcp', hostPort: 0 }
const HEALTH_DEFAULTS: JsonObject = { interval: 30, timeout: 5, retries: 3, startPeriod: 0 }

/** Lists of a container that ECS reads as sets. What it reads in order, such as `command`, keeps its order. */
const UNORDERED: ReadonlySet<string> = new Set([
  'environment',
  'environmentFiles',
  'mountPoints',
  'portMappings',
  'secrets',
  'systemControls',
  'ulimits',
  'volumesFrom',
])

/** The same for two lists of container definitions that ECS makes the same task of. */
export const normalContainers = (document: Json): Json => sorted(listOf(document).map(normalContainer))

function normalContainer(container: Json): Json {
  if (!isObject(container)) return container
  const members = Object.entries(container).map(([name, value]) => [name, normalMember(name, value)] as const)
  return without(Object.fromEntries<Json>(members), DEFAULTS)
}

function normalMember(name: string, value: Json): Json {
  if (name === 'healthCheck' && isObject(value)) return without(value, HEALTH_DEFAULTS)
  const inner = name === 'portMappings' ? listOf(value).map(normalPort) : value
  return Array.isArray(inner) && UNORDERED.has(name) ? sorted(inner.map(prune)) : prune(inner)
}

/** On a network of the task's own the host's port is the container's, and ECS says so where the definition does not. */
function normalPort(port: Json): Json {
  if (!isObject(port)) return port
  const { hostPort, ...rest } = port
  return without(
    hostPort === port['containerPort'] || hostPort === undefined ? rest : { ...rest, hostPort },
    PORT_DEFAULTS,
  )
}

function without(members: JsonObject, defaults: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter(([name, value]) => !isEmpty(value) && (defaults[name] ?? null) !== value),
  )
}

/** What is empty and what is not there are one to ECS; an empty value of a variable is a value. */
function prune(value: Json): Json {
  if (Array.isArray(value)) return value.map(prune)
  if (!isObject(value)) return value
  const left = Object.entries(value).filter(([, inner]) => inner !== null)
  return mapValues(Object.fromEntries<Json>(left), prune)
}

const isEmpty = (value: Json): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)
