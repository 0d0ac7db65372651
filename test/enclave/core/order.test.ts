import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { settle } from '../../../enclave/core/settle.ts'
import { address, at, back, gone, MINUTE, mutability, outcomesOf, stage, START, tag, untag } from './stage.ts'
import { byTerraform, record, repository, stateOf } from './world.ts'

const policy = (policyText: string, over: JsonObject) =>
  record('SetRepositoryPolicy', { repositoryName: 'my-app-repo', policyText }, over)
const newer = (over: JsonObject) =>
  stateOf({ ...repository, [address]: { ...repository[address], ...over } }, { serial: 2 })

describe('events that come in another order than they happened', () => {
  test.each<[string, readonly JsonObject[], readonly string[], readonly string[]]>([
    [
      'an older value opens nothing after the newer one put it right',
      [mutability('IMMUTABLE', at(2)), mutability('MUTABLE', at(1))],
      ['ignored', 'ignored'],
      [],
    ],
    [
      'an older value puts nothing right',
      [mutability('MUTABLE', at(2)), mutability('IMMUTABLE', at(1))],
      ['drift', 'ignored'],
      ['image_tag_mutability'],
    ],
    [
      'of two in one second the later to come counts',
      [mutability('MUTABLE', at(1)), mutability('IMMUTABLE', at(1))],
      ['drift', 'resolved'],
      [],
    ],
    [
      'each tag has its own time',
      [tag('x', '1', at(2)), tag('y', '1', at(1))],
      ['drift', 'drift'],
      ['tags.x', 'tags.y'],
    ],
    ['a tag that went later stays gone', [untag('x', at(2)), tag('x', '1', at(1))], ['ignored', 'ignored'], []],
    ['a deletion before a return', [back(at(2)), gone(at(1))], ['ignored', 'ignored'], []],
    ['a deletion before a change', [tag('x', '1', at(2)), gone(at(1))], ['drift', 'ignored'], ['tags.x']],
    ['a change before a deletion', [gone(at(2)), mutability('MUTABLE', at(1))], ['drift', 'ignored'], ['']],
    ['a change before a return', [back(at(2)), tag('x', '1', at(1))], ['ignored', 'ignored'], []],
    [
      "Terraform's own, after which somebody changed it",
      [mutability('MUTABLE', at(2)), mutability('IMMUTABLE', { ...byTerraform(), ...at(1) })],
      ['drift', 'expected'],
      ['image_tag_mutability'],
    ],
    [
      'what has no time comes last',
      [mutability('MUTABLE', at(2)), mutability('IMMUTABLE', { eventTime: null })],
      ['drift', 'resolved'],
      [],
    ],
    [
      'nothing of another resource',
      [mutability('MUTABLE', at(2)), policy('{"Statement":[]}', at(1))],
      ['drift', 'drift'],
      ['image_tag_mutability'],
    ],
  ])('%s', (_, records, outcomes, open) => {
    const { play, open: paths } = stage()
    expect(outcomesOf(play(...records))).toEqual(outcomes)
    expect(paths()).toEqual(open)
  })
})

describe('what somebody does while the state does not show yet what Terraform did', () => {
  const run = mutability('MUTABLE', { ...byTerraform(), ...at(1) })
  const undo = mutability('IMMUTABLE', at(2))

  test('waits with it, where it only seems to change nothing', () => {
    const { world, judge, note, open } = stage()
    expect(judge(run).kind).toBe('held')
    expect(judge(undo)).toMatchObject({ kind: 'held', findings: [{ outcome: 'ignored' }] })
    world.states.replace(newer({ image_tag_mutability: 'MUTABLE' }), START + 3 * MINUTE)
    note(settle('example', world, START + 3 * MINUTE))
    expect(outcomesOf(judge(run, START + 3 * MINUTE).findings)).toEqual(['expected'])
    expect(judge(undo, START + 3 * MINUTE)).toMatchObject({
      kind: 'judged',
      findings: [{ outcome: 'drift', changes: { image_tag_mutability: ['MUTABLE', 'IMMUTABLE'] } }],
    })
    expect(open()).toEqual(['image_tag_mutability'])
  })

  test('is Terraform’s own step on its way: only the last has to be in the state', () => {
    const { world, judge } = stage()
    const first = mutability('MUTABLE', { ...byTerraform(), ...at(1) })
    const last = mutability('IMMUTABLE', { ...byTerraform(), ...at(1) })
    expect(judge(first).kind).toBe('held')
    judge(last)
    world.states.replace(newer({}), START + 3 * MINUTE)
    expect(judge(first, START + 3 * MINUTE)).toMatchObject({ kind: 'judged', findings: [{ outcome: 'expected' }] })
  })

  test('waits no longer than Terraform may', () => {
    const { judge } = stage()
    judge(run)
    expect(judge(undo, START + 32 * MINUTE).kind).toBe('judged')
  })

  test('is told at once where it is an alarm in any case', () => {
    const { judge } = stage()
    judge(run)
    expect(judge(gone(at(2)))).toMatchObject({ kind: 'judged', findings: [{ outcome: 'drift' }] })
  })

  test('does not wait where Terraform did something else', () => {
    const { judge } = stage()
    judge(run)
    expect(judge(tag('Name', 'my-app-repo', at(2)))).toMatchObject({
      kind: 'judged',
      findings: [{ outcome: 'ignored' }],
    })
  })
})

describe('one call in the trails of several accounts', () => {
  const shared = { sharedEventID: 'shared-1' }
  const owner = mutability('MUTABLE', shared)
  const caller = mutability('MUTABLE', { ...shared, recipientAccountId: '444455556666' })
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['is told where a state has the resource', [owner, caller], ['drift', 'ignored']],
    ['also if that copy is the later', [caller, owner], ['unmanaged', 'drift']],
    ['and once', [caller, { ...caller, eventID: 'x', recipientAccountId: '777788889999' }], ['unmanaged', 'ignored']],
    ['in two trails of one account', [owner, { ...owner, eventID: 'y' }], ['drift', 'ignored']],
  ])('%s', (_, records, outcomes) => {
    expect(outcomesOf(stage().play(...records))).toEqual(outcomes)
  })

  test('has the id that they share', () => {
    expect(stage().play(owner)).toMatchObject([{ sharedEventId: 'shared-1' }])
  })
})
