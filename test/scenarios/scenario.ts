import { readdirSync, readFileSync } from 'node:fs'
import * as v from 'valibot'
import { parse } from 'yaml'
import type { Json, JsonObject } from '../../enclave/core/json.ts'
import { actors, type ActorName } from './actors.ts'

interface Changes {
  readonly [path: string]: readonly [old: Json, now: Json]
}
const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2
const changes = v.custom<Changes>(
  (value) => typeof value === 'object' && value !== null && Object.values(value).every(isPair),
  'expected paths with [old, new]',
)
const object = v.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
const text = v.pipe(v.string(), v.minLength(1))

/** What is expected of one resource. What is left out is not there: no changes, no verdict. */
const expectation = v.strictObject({
  outcome: v.picklist(['drift', 'resolved', 'unmanaged', 'unmapped', 'expected', 'suppressed', 'rejected', 'tamper']),
  /** Terraform's address; or, of what no state has, its id. */
  address: v.optional(text),
  id: v.optional(text),
  kind: v.optional(v.picklist(['changed', 'created', 'deleted'])),
  verdict: v.optional(v.picklist(['confirmed', 'suspected'])),
  changes: v.optional(changes, {}),
})

const resources = v.record(text, object)
const expected = v.optional(v.array(expectation), [])

const step = v.union([
  /** A call, as CloudTrail records it. What is ignored need not be expected. */
  v.strictObject({
    call: v.pipe(text, v.regex(/^[a-z0-9-]+ [A-Za-z0-9_]+$/, 'expected a service and a call: "ec2 RunInstances"')),
    by: v.optional(v.picklist(Object.keys(actors) as [ActorName, ...ActorName[]]), 'console'),
    request: v.optional(v.nullable(object), null),
    response: v.optional(v.nullable(object), null),
    /** Minutes since the scenario began at which it happened, where that is not when it is told. */
    at: v.optional(v.number()),
    account: v.optional(text),
    region: v.optional(text),
    error: v.optional(text),
    /** Other fields of the record, which go before all others. */
    record: v.optional(object, {}),
    /** The number of an earlier call that is delivered again. */
    again: v.optional(v.number()),
    expect: expected,
  }),
  /** Terraform writes a state; `resources` replace, and null takes away. */
  v.strictObject({
    state: text,
    resources: v.record(text, v.nullable(object)),
    expect: expected,
  }),
  v.strictObject({ wait: v.number(), expect: expected }),
])

const scenario = v.strictObject({
  name: text,
  states: v.optional(v.record(text, resources), {}),
  driftignore: v.optional(v.string(), ''),
  steps: v.pipe(v.array(step), v.minLength(1)),
})

const file = v.strictObject({
  /** Whose detection this measures: a service's short name, or `core`. */
  service: text,
  region: v.optional(text, 'eu-west-1'),
  /** Shared by the scenarios that name no states of their own. */
  states: v.optional(v.record(text, resources), {}),
  scenarios: v.array(scenario),
})

export type Expectation = v.InferOutput<typeof expectation>
export type Step = v.InferOutput<typeof step>
export interface Scenario extends Omit<v.InferOutput<typeof scenario>, 'states'> {
  readonly file: string
  readonly service: string
  readonly region: string
  readonly states: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
}

/** Every scenario of the folder, in the order of the files. */
export function readScenarios(folder: URL = new URL('./', import.meta.url)): readonly Scenario[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .flatMap((name) => readFile(name, readFileSync(new URL(name, folder), 'utf8')))
}

function readFile(name: string, source: string): readonly Scenario[] {
  const result = v.safeParse(file, parse(source, { merge: true }))
  if (!result.success) {
    const issues = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
    throw new Error(`${name}: ${issues.join('; ')}`)
  }
  const { service, region, states, scenarios } = result.output
  return scenarios.map(({ name: title, driftignore, steps, states: own }) => {
    return {
      file: name,
      service,
      region,
      name: title,
      driftignore,
      steps,
      states: Object.keys(own).length > 0 ? own : states,
    }
  })
}
