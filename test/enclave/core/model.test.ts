import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect, type Decision, type World } from '../../../enclave/core/detect.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { awaken, settle } from '../../../enclave/core/settle.ts'
import { WHOLE } from '../../../enclave/core/touches.ts'
import { byTerraform, record, repository, stateOf, worldOf } from './world.ts'

const repositoryName = 'my-app-repo'
const address = 'aws_ecr_repository.app'
const resourceArn = `arn:aws:ecr:eu-west-1:111122223333:repository/${repositoryName}`
const MINUTE = 60_000

/** What the repository really is, and what the state says; undefined where it is gone. */
interface Shape {
  readonly mutability: string
  readonly tags: Readonly<Record<string, string>>
}
const INITIAL: Shape = { mutability: 'IMMUTABLE', tags: { Name: repositoryName, Team: 'platform' } }

type Step =
  | { readonly kind: 'mutability'; readonly value: string }
  | { readonly kind: 'tag'; readonly key: string; readonly value: string }
  | { readonly kind: 'untag'; readonly key: string }
  | { readonly kind: 'delete' | 'repair' | 'again' }
  | { readonly kind: 'create'; readonly value: string }
  | { readonly kind: 'late'; readonly values: readonly [string, string] }
  | { readonly kind: 'apply'; readonly value: string }

const value = fc.constantFrom('IMMUTABLE', 'MUTABLE')
const key = fc.constantFrom('Name', 'Team', 'x')
const steps: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('mutability' as const), value }), weight: 12 },
  {
    arbitrary: fc.record({
      kind: fc.constant('tag' as const),
      key,
      value: fc.constantFrom('a', repositoryName, 'platform'),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant('untag' as const), key }), weight: 2 },
  {
    arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'repair' as const, 'again' as const) }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constant('create' as const), value }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('late' as const), values: fc.tuple(value, value) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('apply' as const), value }), weight: 1 },
)

/** A repository in an account, the calls on it, and the detector that is told of them. */
function stage() {
  const world: World = worldOf([stateOf(repository)])
  let [clock, serial] = [Date.parse('2025-12-06T08:00:00Z'), 1]
  let real: Shape | undefined = INITIAL
  let state: Shape = INITIAL
  const sent: JsonObject[] = []

  const stamp = (one: JsonObject, time = clock): JsonObject => ({ ...one, eventTime: iso(time) })
  const judge = (one: JsonObject, isChange: boolean): Decision => {
    const decision = detect(parseRecord(one), world, clock)
    world.drifts.touch(decision.touched)
    if (decision.kind === 'held') return decision
    for (const finding of decision.findings) world.drifts.record(finding)
    const said = decision.findings.filter(({ resolves }) => resolves === undefined)
    expect(decision.findings.length).toBeGreaterThan(0)
    expect(said.length).toBeLessThanOrEqual(1)
    expect(!isChange && said.some(({ outcome }) => outcome === 'drift')).toBe(false)
    return decision
  }
  const send = (one: JsonObject, next: Shape | undefined): Decision => {
    const isChange = JSON.stringify(next) !== JSON.stringify(real)
    real = next
    const stamped = stamp(one)
    sent.push(stamped)
    return judge(stamped, isChange)
  }
  const mutability = (imageTagMutability: string, over: JsonObject = {}) =>
    record('PutImageTagMutability', { repositoryName, imageTagMutability }, over)
  const move = (next: Shape): void => {
    state = next
    serial += 1
    const app = repository[address] ?? {}
    const attributes = { ...app, image_tag_mutability: next.mutability, tags: next.tags, tags_all: next.tags }
    world.states.replace(stateOf({ ...repository, [address]: attributes }, { serial }), clock)
    for (const finding of settle('example', world, clock)) world.drifts.record(finding)
  }

  return {
    play: (step: Step, pause: number): void => {
      clock += pause
      for (const finding of awaken(world, clock)) world.drifts.record(finding)
      switch (step.kind) {
        case 'mutability':
          if (real !== undefined) send(mutability(step.value), { ...real, mutability: step.value })
          break
        case 'tag': {
          if (real === undefined) break
          const tags = { ...real.tags, [step.key]: step.value }
          send(record('TagResource', { resourceArn, tags: [{ key: step.key, value: step.value }] }), { ...real, tags })
          break
        }
        case 'untag': {
          if (real === undefined) break
          const { [step.key]: _, ...tags } = real.tags
          send(record('UntagResource', { resourceArn, tagKeys: [step.key] }), { ...real, tags })
          break
        }
        case 'delete':
          if (real !== undefined) send(record('DeleteRepository', { repositoryName }), undefined)
          break
        case 'create': {
          if (real !== undefined) break
          const made = {
            repositoryName,
            imageTagMutability: step.value,
            imageScanningConfiguration: { scanOnPush: true },
            tags: Object.entries(state.tags).map(([name, one]) => ({ key: name, value: one })),
          }
          send(record('CreateRepository', made), { mutability: step.value, tags: state.tags })
          break
        }
        case 'repair':
          if (real !== undefined)
            send(mutability(state.mutability, byTerraform()), { ...real, mutability: state.mutability })
          break
        case 'again': {
          const one = sent.at(-2)
          if (one !== undefined) judge(one, false)
          break
        }
        case 'late': {
          if (real === undefined) break
          const [first, second] = step.values
          clock += MINUTE
          send(mutability(second), { ...real, mutability: second })
          judge(stamp(mutability(first), clock - MINUTE / 2), false)
          break
        }
        case 'apply': {
          if (real === undefined) break
          const run = stamp(mutability(step.value, byTerraform()))
          real = { ...real, mutability: step.value }
          const before = judge(run, true)
          clock += 2 * MINUTE
          move({ ...state, mutability: step.value })
          if (before.kind === 'held') judge(run, false)
          break
        }
      }
    },
    /** Paths that differ, as the detector has it and as it is. */
    differences: () => ({
      found: world.drifts
        .open('example', address)
        .flatMap(({ path, isBack }) => (isBack ? [] : [path]))
        .toSorted(),
      real: (real === undefined ? [WHOLE] : differing(real, state)).toSorted(),
    }),
  }
}

const iso = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

function differing(real: Shape, state: Shape): readonly string[] {
  const keys = [...new Set([...Object.keys(real.tags), ...Object.keys(state.tags)])]
  return [
    ...(real.mutability === state.mutability ? [] : ['image_tag_mutability']),
    ...keys.filter((name) => real.tags[name] !== state.tags[name]).map((name) => `tags.${name}`),
  ]
}

test('whatever happens to a resource, its open drifts are what it differs in, and nothing alerts that changed nothing', () => {
  // Mostly short, so that attributes flap, and now and then a rest.
  const pause = fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 120 }), weight: 20 },
    { arbitrary: fc.integer({ min: 900, max: 1200 }), weight: 1 },
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(steps, pause), { maxLength: 40, size: 'max' }), (story) => {
      const { play, differences } = stage()
      for (const [step, seconds] of story) {
        play(step, seconds * 1000)
        const { found, real } = differences()
        expect(found).toEqual(real)
      }
    }),
    { numRuns: 200 },
  )
})
