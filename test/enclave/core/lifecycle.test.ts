import { describe, expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect, type Decision, type World } from '../../../enclave/core/detect.ts'
import { createDrifts } from '../../../enclave/core/drifts.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { settle } from '../../../enclave/core/settle.ts'
import { byTerraform, record, repository, stateOf, worldOf } from './world.ts'

const TIME = Date.parse('2025-12-06T07:30:00Z')
const MINUTE = 60_000
const name = 'my-app-repo'
const arn = `arn:aws:ecr:eu-west-1:111122223333:repository/${name}`

const mutability = (value: string, over: JsonObject = {}) =>
  record('PutImageTagMutability', { repositoryName: name, imageTagMutability: value }, over)
const tag = (key: string, value: string) => record('TagResource', { resourceArn: arn, tags: [{ key, value }] })
const untag = (key: string) => record('UntagResource', { resourceArn: arn, tagKeys: [key] })
const gone = () => record('DeleteRepository', { repositoryName: name })
const back = (settings: JsonObject) =>
  record('CreateRepository', {
    repositoryName: name,
    imageTagMutability: 'IMMUTABLE',
    imageScanningConfiguration: { scanOnPush: true },
    tags: [
      { key: 'Name', value: name },
      { key: 'Team', value: 'platform' },
    ],
    ...settings,
  })
const policy = (text: string) => record('SetRepositoryPolicy', { repositoryName: name, policyText: text })
const hidden = () => policy('HIDDEN_DUE_TO_SECURITY_REASONS')

/** Judges records one after the other, each finding recorded as the caller does. */
function play(records: readonly JsonObject[], world: World = worldOf([stateOf(repository)])): readonly Finding[] {
  return records.flatMap((one) => {
    const { findings } = decide(one, world)
    for (const finding of findings) world.drifts.record(finding)
    return findings
  })
}
const decide = (one: JsonObject, world: World, now = TIME): Decision => detect(parseRecord(one), world, now)
const outcomes = (findings: readonly Finding[]) => findings.map(({ outcome }) => outcome)
const changed = (over: JsonObject, serial = 2) =>
  stateOf({ ...repository, 'aws_ecr_repository.app': { ...repository['aws_ecr_repository.app'], ...over } }, { serial })

describe('the life of a drift', () => {
  const e1 = mutability('MUTABLE')
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['opens, and is put right', [e1, mutability('IMMUTABLE')], ['drift', 'resolved']],
    ['does not alert again', [e1, mutability('MUTABLE'), mutability('MUTABLE')], ['drift', 'ignored', 'ignored']],
    ['may change', [tag('Name', 'x'), tag('Name', 'y'), tag('Name', name)], ['drift', 'drift', 'resolved']],
    ['comes and goes', [e1, mutability('IMMUTABLE'), mutability('MUTABLE')], ['drift', 'resolved', 'drift']],
    ['ends with the removal of what was added', [tag('x', '1'), untag('x')], ['drift', 'resolved']],
    ['is not ended by what touches something else', [tag('x', '1'), tag('y', '1')], ['drift', 'drift']],
    ['is a deletion, once', [gone(), gone()], ['drift', 'ignored']],
    ['is a deletion, and a return', [gone(), back({})], ['drift', 'resolved']],
    [
      'is a return with a difference',
      [gone(), back({ imageTagMutability: 'MUTABLE' })],
      ['drift', 'drift', 'resolved'],
    ],
    ['is a delivery that came twice', [e1, mutability('IMMUTABLE'), e1], ['drift', 'resolved', 'ignored']],
    ["is none, where a tag is AWS's own", [tag('aws:cloudformation:stack-name', 'x')], ['ignored']],
    ['is a tag changed and another restored', [untag('Team'), back({ tags: [] })], ['drift', 'drift']],
  ])('%s', (_, records, expected) => {
    expect(outcomes(play(records))).toEqual(expected)
  })

  test('what is resolved names the event that it puts right, and goes from its value back', () => {
    const [opened, resolved] = play([mutability('MUTABLE'), mutability('IMMUTABLE')])
    expect(resolved).toMatchObject({
      outcome: 'resolved',
      kind: 'changed',
      resolves: opened?.eventId,
      changes: { image_tag_mutability: ['MUTABLE', 'IMMUTABLE'] },
      severity: 'info',
      rules: [],
    })
  })

  test('a repeat names the event that was reported', () => {
    const [opened, repeat] = play([mutability('MUTABLE'), mutability('MUTABLE')])
    expect(repeat?.reason).toContain(opened?.eventId)
  })

  test('a policy that nobody saw is a drift until one comes that is the same', () => {
    const same = repository['aws_ecr_repository_policy.app']?.['policy'] as string
    const findings = play([hidden(), policy(same)])
    expect(findings).toMatchObject([{ outcome: 'drift', verdict: 'suspected' }, { outcome: 'resolved' }])
    expect(findings[0]?.changes['policy']?.[1]).toBeNull()
  })

  test('an event that ends two drifts says so twice', () => {
    const [a, b, ...resolved] = play([tag('Name', 'x'), mutability('MUTABLE'), back({})])
    expect(resolved.map(({ outcome, resolves }) => [outcome, resolves])).toEqual([
      ['resolved', a?.eventId],
      ['resolved', b?.eventId],
    ])
  })

  test('begins again from stored findings where it was', () => {
    const records = [mutability('MUTABLE'), tag('x', '1'), untag('x'), gone()]
    const world = worldOf([stateOf(repository)])
    const stored = play(records, world)
    const restored = createDrifts(JSON.parse(JSON.stringify(stored)) as Finding[])
    const open = (drifts: World['drifts']) => drifts.open('example', 'aws_ecr_repository.app')
    expect(open(restored)).toEqual(open(world.drifts))
    expect(outcomes(play(records, { ...world, drifts: restored }))).toEqual([
      'ignored',
      'ignored',
      'ignored',
      'ignored',
    ])
  })

  test('the same event reaches two accounts', () => {
    const one = mutability('MUTABLE')
    const two = { ...one, recipientAccountId: '444455556666' }
    expect(outcomes(play([one, two]))).toEqual(['drift', 'unmanaged'])
  })
})

describe("Terraform's own runs", () => {
  const world = () => worldOf([stateOf(repository)])

  test('are expected when the state agrees', () => {
    expect(play([mutability('IMMUTABLE', byTerraform())])).toMatchObject([{ outcome: 'expected' }])
  })

  test('wait for the state when it does not, for so long and no longer', () => {
    const run = mutability('MUTABLE', byTerraform())
    const held = decide(run, world(), TIME + MINUTE)
    expect(held).toMatchObject({ kind: 'held', until: TIME + 30 * MINUTE, findings: [{ outcome: 'expected' }] })
    expect(decide(run, world(), TIME + 30 * MINUTE)).toMatchObject({
      kind: 'judged',
      findings: [{ outcome: 'drift', reason: 'applied by Terraform, but not in its state' }],
    })
  })

  test.each<[string, JsonObject, number, string, string]>([
    ['moved and agrees', { image_tag_mutability: 'MUTABLE' }, 1, 'judged', 'expected'],
    ['moved at once, and may move again', {}, 0.5, 'held', 'expected'],
    ['moved later, and does not agree', {}, 2, 'judged', 'drift'],
  ])('are judged by a state that has %s', (_, over, minutes, kind, outcome) => {
    const moved = world()
    moved.states.replace(changed(over), TIME + minutes * MINUTE)
    const decision = decide(mutability('MUTABLE', byTerraform()), moved, TIME + 3 * MINUTE)
    expect(decision).toMatchObject({ kind, findings: [{ outcome }] })
  })

  test('are held against no value that the record does not show, once the state is written', () => {
    const run = { ...hidden(), ...byTerraform() }
    const moved = world()
    expect(decide(run, moved, TIME + MINUTE)).toMatchObject({ kind: 'held' })
    expect(decide(run, moved, TIME + 30 * MINUTE)).toMatchObject({ findings: [{ outcome: 'drift' }] })
    moved.states.replace(changed({}), TIME + 2 * MINUTE)
    expect(decide(run, moved, TIME + 3 * MINUTE)).toMatchObject({ kind: 'judged', findings: [{ outcome: 'expected' }] })
  })

  test.each<[string, JsonObject]>([
    ['a time to come buys no waiting', { eventTime: '2035-01-01T00:00:00Z' }],
    ['nor does none', { eventTime: null }],
  ])('%s', (_, over) => {
    const run = { ...mutability('MUTABLE', byTerraform()), ...over }
    expect(decide(run, world())).toMatchObject({ kind: 'judged', findings: [{ outcome: 'drift' }] })
  })

  test('put a drift right', () => {
    expect(outcomes(play([mutability('MUTABLE'), mutability('IMMUTABLE', byTerraform())]))).toEqual([
      'drift',
      'resolved',
    ])
  })

  test.each<[string, () => JsonObject]>([
    ['a difference', () => mutability('MUTABLE', byTerraform('intern'))],
    ['none', () => mutability('IMMUTABLE', byTerraform('intern'))],
  ])('by a principal that is not approved are an alarm, with %s', (_, one) => {
    expect(decide(one(), world())).toMatchObject({
      kind: 'judged',
      findings: [{ outcome: 'drift', severity: 'high', reason: expect.stringContaining('not approved') as string }],
    })
  })

  test('may make what no state knows yet, and alarm when none ever does', () => {
    const made = record('CreateRepository', { repositoryName: 'new' }, byTerraform())
    expect(decide(made, world(), TIME + MINUTE).kind).toBe('held')
    expect(decide(made, world(), TIME + 31 * MINUTE)).toMatchObject({ findings: [{ outcome: 'unmanaged' }] })
  })

  test('may delete what no state has any more', () => {
    const deleted = record('DeleteRepository', { repositoryName: 'old' }, byTerraform())
    expect(decide(deleted, world())).toMatchObject({ kind: 'judged', findings: [{ outcome: 'expected' }] })
  })

  test('a deletion waits for the state, and is an alarm when none is ever written', () => {
    const deleted = record('DeleteRepository', { repositoryName: name }, byTerraform())
    expect(decide(deleted, world())).toMatchObject({ kind: 'held' })
    expect(decide(deleted, world(), TIME + 31 * MINUTE)).toMatchObject({ findings: [{ outcome: 'drift' }] })
  })

  test('may delete a resource and make it again', () => {
    const replaced = world()
    replaced.states.replace(changed({}), TIME + 2 * MINUTE)
    const deleted = record('DeleteRepository', { repositoryName: name }, byTerraform())
    expect(decide(deleted, replaced, TIME + 3 * MINUTE)).toMatchObject({ findings: [{ outcome: 'expected' }] })
  })
})

describe('a new serial', () => {
  const settled = (records: readonly JsonObject[], next: ReturnType<typeof stateOf>) => {
    const world = worldOf([stateOf(repository)])
    const opened = play(records, world)
    world.states.replace(next, TIME)
    const findings = settle('example', world, TIME + MINUTE)
    for (const finding of findings) world.drifts.record(finding)
    expect(settle('example', world, TIME + MINUTE)).toEqual([])
    return { opened, findings }
  }

  test('that takes the new value over ends the drift', () => {
    const { opened, findings } = settled([mutability('MUTABLE')], changed({ image_tag_mutability: 'MUTABLE' }))
    expect(findings).toMatchObject([
      {
        outcome: 'resolved',
        resolves: opened[0]?.eventId,
        time: '2025-12-06T07:31:00.000Z',
        changes: { image_tag_mutability: ['IMMUTABLE', 'MUTABLE'] },
        reason: 'serial 2 of its state agrees',
      },
    ])
  })

  const app = repository['aws_ecr_repository.app'] ?? {}
  const { 'aws_ecr_repository.app': _, ...others } = repository
  const rewrittenPolicy = { ...repository['aws_ecr_repository_policy.app'], policy: '{"Statement":[]}' }
  const rewritten = stateOf({ ...repository, 'aws_ecr_repository_policy.app': rewrittenPolicy }, { serial: 2 })
  test.each<[string, readonly JsonObject[], ReturnType<typeof stateOf>, number]>([
    ['still with the old value', [mutability('MUTABLE')], changed({}), 0],
    ['with the tag', [tag('example.com/x', '1')], changed({ tags_all: { 'example.com/x': '1' } }), 1],
    ['with one of two tags', [tag('x', '1'), tag('y', '1')], changed({ tags_all: { x: '1', y: '2' } }), 1],
    ['that still has the deleted', [gone()], changed({}), 0],
    ['without the deleted', [gone()], stateOf(others, { serial: 2 }), 1],
    ['with the same policy as before', [hidden()], changed({}), 0],
    ['with another policy than before', [hidden()], rewritten, 1],
    ['that has dropped the drifted', [mutability('MUTABLE')], stateOf(others, { serial: 2 }), 1],
  ])('%s', (_title, records, next, count) => {
    expect(app).toHaveProperty('id')
    expect(settled(records, next).findings).toHaveLength(count)
  })
})

test('an event that names no resource is said not to be checked', () => {
  expect(play([record('PutImageTagMutability', { omitted: true })])).toMatchObject([{ outcome: 'unmapped' }])
})

test.each([
  ['PutRepositoryLabel', 'unmapped'],
  ['PutImage', 'ignored'],
  ['CompleteLayerUpload', 'ignored'],
])('%s is %s', (event, outcome) => {
  expect(outcomes(play([record(event, {})]))).toEqual([outcome])
})

test('values that the state calls sensitive are shown as digests', () => {
  const world = worldOf([stateOf(repository, { sensitive: ['policy', 'tags_all', 'tags'] })])
  const findings = play([tag('Name', 'secret'), policy('{"Statement":[]}')], world)
  expect(JSON.stringify(findings.map(({ changes }) => changes))).not.toMatch(/secret|Statement|my-app-repo/)
  for (const { changes } of findings)
    for (const value of Object.values(changes).flat()) expect(value).toMatch(/^sha256:[0-9a-f]{64}$/)
})
