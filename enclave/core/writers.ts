import * as v from 'valibot'
import { parseDocument } from 'yaml'
import type { Actor, CloudEvent } from './event.ts'
import type { Excuse } from './finding.ts'
import { matchesGlob } from './glob.ts'
import { isInside } from './path.ts'
import { yamlValue } from './yaml_value.ts'

/** A person at the console: the service only carries his calls. */
const NOT_A_WRITER: ReadonlySet<string> = new Set(['signin.amazonaws.com'])
const SERVICE = /\.amazonaws\.com$/
/** A role that only its service can assume. */
const SERVICE_LINKED_ROLE = /:role\/aws-service-role\/([^/]+)\//

export type WriterErrorCode = 'ERR_WRITERS_YAML' | 'ERR_WRITERS_SHAPE'

/** A mistake in a file of rules/writers. */
export class WriterError extends Error {
  readonly code: WriterErrorCode

  constructor(code: WriterErrorCode, message: string) {
    super(message)
    this.name = 'WriterError'
    this.code = code
  }
}

const text = v.pipe(v.string(), v.minLength(1))
const list = v.optional(v.array(text), [])

/** One writer, in rules/writers and in the configuration. */
export const writerSchema = v.pipe(
  v.strictObject({
    name: text,
    reason: text,
    /** Service principals, globs allowed: CloudTrail names them, so no caller can claim to be one. */
    services: list,
    /** Roles and users, as globs over their ARNs. */
    principals: list,
    /** By resource type, the attributes that are its to write, globs allowed. */
    writes: v.optional(v.record(text, v.pipe(v.array(text), v.minLength(1))), {}),
    /** Types of resources that it makes and deletes for itself, outside of every state; globs allowed. */
    makes: list,
  }),
  v.check(
    ({ services, principals }) => services.length + principals.length > 0,
    'names neither services nor principals',
  ),
  v.check(({ writes, makes }) => Object.keys(writes).length + makes.length > 0, 'neither writes nor makes anything'),
)

/** Someone besides Terraform whose changes to some attributes are expected: what `ignore_changes` is for. */
export type Writer = v.InferOutput<typeof writerSchema>

const fileSchema = v.strictObject({ writers: v.array(writerSchema) })

/** Reads one file of rules/writers. */
export function parseWriters(source: string, name: string): readonly Writer[] {
  const value = yamlValue(parseDocument(source), (message) => {
    throw new WriterError('ERR_WRITERS_YAML', `${name}: ${message}`)
  })
  const result = v.safeParse(fileSchema, value)
  if (result.success) return result.output.writers
  const [issue] = result.issues
  throw new WriterError('ERR_WRITERS_SHAPE', `${name}: ${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
}

/** The writer whose attribute this is, or with a null path the one whose resource. */
export function writerOf(
  { actor }: CloudEvent,
  type: string,
  path: string | null,
  writers: readonly Writer[],
): Excuse | undefined {
  const found = writersOf(writers, type).find((writer) => isIts(writer, type, path) && isBy(writer, actor))
  return found === undefined ? undefined : { by: 'writer', name: found.name, reason: found.reason }
}

/** The few that have to do with a type are sought once: a world's writers stay what they are, its types are the catalog's. */
const writersOf = (writers: readonly Writer[], type: string): readonly Writer[] =>
  known
    .getOrInsertComputed(writers, () => new Map())
    .getOrInsertComputed(type, () => writers.filter((writer) => hasToDoWith(writer, type)))

const known = new WeakMap<readonly Writer[], Map<string, readonly Writer[]>>()

const hasToDoWith = ({ writes, makes }: Writer, type: string): boolean =>
  Object.hasOwn(writes, type) || makes.some((glob) => matchesGlob(glob, type))

function isIts({ writes, makes }: Writer, type: string, path: string | null): boolean {
  if (path === null) return makes.some((glob) => matchesGlob(glob, type))
  const attributes = Object.hasOwn(writes, type) ? (writes[type] ?? []) : []
  return attributes.some((glob) => isInside(path, glob) || matchesGlob(glob, path))
}

function isBy({ services, principals }: Writer, actor: Actor): boolean {
  const arns = [actor.role, actor.arn].filter((arn) => arn !== undefined)
  return matchAny(services, servicesOf(actor)) || matchAny(principals, arns)
}

const matchAny = (globs: readonly string[], names: readonly string[]): boolean =>
  globs.some((glob) => names.some((name) => matchesGlob(glob, name)))

/** The services that had a hand in a call, by the fields that AWS fills in. The user agent is the caller's own word. */
function servicesOf({ invokedBy, sourceIp, role }: Actor): readonly string[] {
  const linked = role === undefined ? undefined : SERVICE_LINKED_ROLE.exec(role)?.[1]
  return [invokedBy, sourceIp, linked].filter(
    (service) => service !== undefined && SERVICE.test(service) && !NOT_A_WRITER.has(service),
  ) as readonly string[] // the filter has just taken out what is undefined
}
