import { parse } from '@cdktn/hcl2json'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './terraform.ts'

type Blocks = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
type Labelled = Readonly<Record<string, Blocks>>

/** One module’s files, read together as Terraform does. */
export interface Module {
  readonly folder: string
  readonly variables: Blocks
  readonly outputs: Blocks
  readonly calls: Blocks
  /** What may be referred to, as it is referred to: `var.name`, `local.x`, `data.aws_region.current`, `aws_vpc.this`. */
  readonly declared: ReadonlySet<string>
  readonly references: ReadonlySet<string>
}

interface File {
  readonly variable?: Blocks
  readonly output?: Blocks
  readonly module?: Blocks
  readonly locals?: readonly Readonly<Record<string, unknown>>[]
  readonly resource?: Labelled
  readonly data?: Labelled
}

export async function readModule(folder: string): Promise<Module> {
  const names = globSync('*.tf', { cwd: join(ROOT, folder) })
  const files = await Promise.all(
    names.map(async (name) => (await parse(name, readFileSync(join(ROOT, folder, name), 'utf8'))) as File), // its format
  )
  const merged = (pick: (file: File) => Blocks | undefined): Blocks => Object.assign({}, ...files.map(pick)) as Blocks
  const labelled = (some: Labelled = {}, prefix = ''): readonly string[] =>
    Object.entries(some).flatMap(([type, blocks]) => Object.keys(blocks).map((name) => `${prefix}${type}.${name}`))
  const [variables, outputs, calls] = [
    merged((file) => file.variable),
    merged((file) => file.output),
    merged((file) => file.module),
  ]
  return {
    folder,
    variables,
    outputs,
    calls,
    declared: new Set([
      ...Object.keys(variables).map((name) => `var.${name}`),
      ...Object.keys(calls).map((name) => `module.${name}`),
      ...files.flatMap(({ locals = [] }) => locals.flatMap(Object.keys)).map((name) => `local.${name}`),
      ...files.flatMap(({ resource }) => labelled(resource)),
      ...files.flatMap(({ data }) => labelled(data, 'data.')),
    ]),
    references: new Set(files.flatMap((file) => expressionsIn(file).flatMap(referencesIn))),
  }
}

/** Expressions are the strings with `${…}`; all others are plain text. */
function expressionsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.includes('${') ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(expressionsIn)
}

const REFERENCE = /(?<![\w.-])(var|local|module|data\.aws_\w+|aws_\w+)\.([a-z_]\w*)/g
export const referencesIn = (expression: string): readonly string[] =>
  Array.from(expression.matchAll(REFERENCE), ([reference]) => reference)

/** The templates that a module fills in, each with the names that it gives it. */
export function templateCalls(folder: string): readonly (readonly [template: string, names: readonly string[]])[] {
  const text = globSync('*.tf', { cwd: join(ROOT, folder) }).map((name) =>
    readFileSync(join(ROOT, folder, name), 'utf8'),
  )
  return Array.from(text.join('\n').matchAll(/templatefile\("\$\{path\.module\}\/([^"]+)", \{\n([^}]*)\}/g), (call) => [
    `${folder}/${call[1]}`,
    Array.from((call[2] ?? '').matchAll(/^\s*(\w+)\s+=/gm), ([, name = '']) => name),
  ])
}

/** `$${` is the shell's own `${`. */
export const namesIn = (template: string): readonly string[] => [
  ...new Set(Array.from(template.matchAll(/(?<!\$)\$\{(\w+)\}/g), ([, name = '']) => name)),
]

export const readVariables = (file: string): Promise<Record<string, unknown>> =>
  parse(file, readFileSync(join(ROOT, file), 'utf8'))
