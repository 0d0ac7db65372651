import type { ResourceType } from './catalog.ts'
import type { Change } from './compare.ts'
import { compileIdentity } from './identity.ts'

/**
 * The block that brings a resource under Terraform. Undefined where the id is made of attributes that the record does not
 * give, since half an id would import something else, and where the provider imports no such resource.
 */
export function importBlock(type: ResourceType, id: string, made: readonly Change[]): string | undefined {
  if (type.import === false) return undefined
  const imported = type.import === undefined ? id : idIn(type.import, id, made)
  if (imported === undefined || imported === '') return undefined
  return `import {\n  to = ${type.name}.${labelOf(imported)}\n  id = ${quoted(imported)}\n}`
}

function idIn(template: string, id: string, made: readonly Change[]): string | undefined {
  const read = templates.getOrInsertComputed(template, compileIdentity)
  return read(Object.fromEntries([['id', id], ...made.map(({ path, now }) => [path, now] as const)]))
}

/** Compiled once: there are no more than the catalog has. */
const templates = new Map<string, ReturnType<typeof compileIdentity>>()

/** A name as HCL takes it, which says where it comes from. */
const labelOf = (id: string): string =>
  id
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^(?![A-Za-z_])/, '_')
    .slice(0, 64)

/** A name is whoever made the resource's choice: none may end the text, or begin a template. */
const quoted = (text: string): string =>
  `"${text
    .replace(/["\\]/g, (character) => `\\${character}`)
    .replace(/[$%](?=\{)/g, (character) => character + character)
    .replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
