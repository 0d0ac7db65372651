import * as v from 'valibot'
import { parse } from 'yaml'
import { type Ended, runChild } from '../../operator/child.ts'
import { textOf } from '../manifests.ts'

const text = v.pipe(v.string(), v.nonEmpty())
const phase = v.strictObject({
  'on-failure': v.optional(v.picklist(['ABORT', 'CONTINUE'])),
  'runtime-versions': v.optional(v.record(v.string(), v.union([v.string(), v.number()]))),
  commands: v.pipe(v.array(text), v.minLength(1)),
  finally: v.optional(v.array(text)),
})
/** Version 0.2, of CodeBuild's user guide; what is not used here is not in it. */
const schema = v.strictObject({
  version: v.literal(0.2),
  env: v.strictObject({
    shell: v.literal('bash'),
    variables: v.record(v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]*$/)), v.string()),
    'exported-variables': v.optional(v.array(text)),
  }),
  phases: v.strictObject({
    install: phase,
    pre_build: v.optional(phase),
    build: phase,
    // It also runs after a build that failed: nothing may be in it that a failure should keep from happening.
    post_build: v.optional(v.never()),
  }),
  artifacts: v.optional(v.strictObject({ 'base-directory': text, files: v.pipe(v.array(text), v.minLength(1)) })),
})

/** A buildspec, which has to be one. */
export const specOf = (file: string): v.InferOutput<typeof schema> => v.parse(schema, parse(textOf(file)))

export const commandsOf = (file: string): readonly string[] =>
  Object.values(specOf(file).phases).flatMap((one) => one?.commands ?? [])

/** Between what the commands print and the variables that they export. */
const SEPARATOR = '\x1e'

/** Runs the commands of a buildspec as CodeBuild does: in one shell, one after the other, until one fails. */
export async function runBuildspec(
  file: string,
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Ended & { readonly exported: Readonly<Record<string, string>> }> {
  const { variables, 'exported-variables': names = [] } = specOf(file).env
  const script = [
    ...commandsOf(file).map((command) => `{ ${command}\n} || exit`),
    ...names.map((name) => `printf '${SEPARATOR}%s' "$${name}"`),
  ].join('\n')
  const { stdout, ...ended } = await runChild(['bash', '-c', script], { cwd, env: { ...variables, ...env } })
  const [printed = '', ...values] = stdout.split(SEPARATOR)
  const exported = Object.fromEntries(values.map((value, index) => [names[index] ?? '', value]))
  return { ...ended, stdout: printed, exported }
}
