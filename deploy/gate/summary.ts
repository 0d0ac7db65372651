import * as v from 'valibot'
import { commitId, parseInput, sha256Hex, sha384Hex } from './input.ts'
import { measurementSchema } from './measurement.ts'

/** `build-summary.json`, version 1: everything that a reviewer decides by. docs/gate.md says what each member is for. */
export type Summary = v.InferOutput<typeof summarySchema>

const text = v.string()
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const words = v.array(text)
const list = v.array(sha384Hex)

const summarySchema = v.strictObject({
  version: v.literal(1),
  environment: text,
  builder: v.strictObject({ id: text, execution: text }),
  source: v.strictObject({
    repository: text,
    commit: commitId,
    tag: v.nullable(v.strictObject({ name: text, verified: v.boolean() })),
  }),
  /** What runs, by its own signed-off report; null where there is none to compare with. */
  live: v.nullable(v.strictObject({ pcr0: sha384Hex, commit: commitId })),
  changes: v.nullable(
    v.strictObject({
      commits: v.array(v.strictObject({ id: commitId, subject: text })),
      files: v.array(v.strictObject({ status: text, path: text })),
      rules: words,
      config: words,
    }),
  ),
  measurement: measurementSchema,
  /** Of the builder that shares nothing with the first but the commit; their registers are the same. */
  second: measurementSchema,
  debug: v.literal(false),
  images: v.record(text, text),
  bases: words,
  lock: v.strictObject({ sha256: sha256Hex }),
  toolchain: v.record(text, text),
  sbom: v.strictObject({ sha256: sha256Hex, components: count }),
  tests: v.strictObject({ total: count, passed: count, failed: count }),
  allowList: v.strictObject({ applied: list, inRepository: list, proposed: list }),
  policy: v.variant('kind', [
    v.strictObject({ kind: v.literal('diff'), lines: words }),
    v.strictObject({ kind: v.literal('absent'), reason: text }),
  ]),
  /** What a reviewer should find out about before saying yes. */
  warnings: words,
})

export const parseSummary = (bytes: string, name: string): Summary => parseInput(summarySchema, bytes, name)
