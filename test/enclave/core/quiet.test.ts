import { describe, expect, test } from 'vitest'
import { parseDriftignore } from '../../../enclave/core/driftignore.ts'
import { createDrifts } from '../../../enclave/core/drifts.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { awaken, settle } from '../../../enclave/core/settle.ts'
import { expiredSuppressions, type Suppression } from '../../../enclave/core/suppressions.ts'
import { address, at, back, gone, MINUTE, mutability, outcomesOf, stage, START, tag, untag } from './stage.ts'
import { byTerraform, record, repository, stateOf } from './world.ts'

const tags: Suppression = {
  name: 'legacy-tags',
  owner: 'platform@example.com',
  reason: 'the migration sets them',
  expires: '2025-12-31',
  match: { type: 'aws_ecr_repository', attribute: 'tags.*' },
}
const whole: Suppression = { ...tags, name: 'sandbox', match: { address: 'aws_ecr_repository.*' } }
const suppressed = (...suppressions: readonly Suppression[]) => stage({ suppressions })
const YEAR_END = Date.parse('2026-01-01T00:00:00Z')

describe('a suppression', () => {
  test.each<[string, Suppression['match'], readonly JsonObject[], readonly string[]]>([
    ['by type', { type: 'aws_ecr_repository' }, [tag('x', '1')], ['suppressed']],
    ['by another type', { type: 'aws_s3_*' }, [tag('x', '1')], ['drift']],
    ['by id', { id: 'my-app-*' }, [tag('x', '1')], ['suppressed']],
    ['by address', { address }, [tag('x', '1')], ['suppressed']],
    ['by state', { state: 'example' }, [tag('x', '1')], ['suppressed']],
    ['in one account', { address, account: '444455556666' }, [tag('x', '1')], ['drift']],
    ['of one attribute', { attribute: 'tags.x' }, [tag('x', '1'), tag('y', '1')], ['suppressed', 'drift']],
    ['of what one role does', { address, principal: '*:role/Admin' }, [tag('x', '1')], ['suppressed']],
    ['of what another role does', { address, principal: '*:role/ci' }, [tag('x', '1')], ['drift']],
    ['of a resource that goes', { address }, [gone()], ['suppressed']],
    ['of an attribute, and not of the whole', { attribute: '*' }, [gone()], ['drift']],
    [
      'of what no state has',
      { id: 'side-*' },
      [record('CreateRepository', { repositoryName: 'side-1' })],
      ['suppressed'],
    ],
    ['never of Terraform by a stranger', { address }, [tag('x', '1', byTerraform('intern'))], ['drift']],
  ])('%s', (_, match, records, outcomes) => {
    expect(outcomesOf(suppressed({ ...tags, match }).play(...records))).toEqual(outcomes)
  })

  test('is named with its owner, its reason and its end in what it keeps quiet', () => {
    expect(suppressed(tags).play(tag('x', '1'))).toMatchObject([
      {
        outcome: 'suppressed',
        kind: 'changed',
        changes: {},
        withheld: [
          {
            path: 'tags.x',
            change: [null, '1'],
            by: 'suppression',
            name: 'legacy-tags',
            owner: 'platform@example.com',
            reason: 'the migration sets them',
            expires: '2025-12-31',
          },
        ],
      },
    ])
  })

  test('keeps a part quiet, and the rest is told', () => {
    const both = { ...tags, match: { attribute: 'tags.*' } }
    const [finding] = suppressed(both).play(back({}, 'MUTABLE'), tag('x', '1'))
    expect(finding).toMatchObject({ outcome: 'drift', changes: { image_tag_mutability: ['IMMUTABLE', 'MUTABLE'] } })
  })

  test.each<[string, readonly JsonObject[], readonly string[], readonly string[]]>([
    ['is quiet about the end', [tag('x', '1'), untag('x')], ['suppressed', 'suppressed'], []],
    ['is quiet once', [tag('x', '1'), tag('x', '1')], ['suppressed', 'ignored'], ['tags.x']],
    ['says each new value', [tag('x', '1'), tag('x', '2')], ['suppressed', 'suppressed'], ['tags.x']],
    ['makes way for a deletion', [tag('x', '1'), gone()], ['suppressed', 'drift'], ['']],
  ])('%s', (_, records, outcomes, open) => {
    const { play, open: paths } = suppressed(tags)
    expect(outcomesOf(play(...records))).toEqual(outcomes)
    expect(paths()).toEqual(open)
  })

  test('ends at its time, and what it kept quiet is told once, also after a restart', () => {
    const { world, told, note, play } = suppressed(tags)
    play(tag('x', '1'))
    expect(awaken(world, YEAR_END - 1)).toEqual([])
    const restored = { ...world, drifts: createDrifts(JSON.parse(JSON.stringify(told)) as Finding[]) }
    expect(outcomesOf(awaken(restored, YEAR_END))).toEqual(['drift'])
    expect(note(awaken(world, YEAR_END))).toMatchObject([
      { outcome: 'drift', verdict: 'confirmed', severity: 'medium', changes: { 'tags.x': [null, '1'] } },
    ])
    expect(awaken(world, YEAR_END)).toEqual([])
    expect(outcomesOf(play(untag('x', { eventTime: '2026-01-02T00:00:00Z' })))).toEqual(['resolved'])
  })

  test('tells a deletion at its end, too', () => {
    const { world, note, play } = suppressed(whole)
    play(gone())
    expect(note(awaken(world, YEAR_END))).toMatchObject([{ outcome: 'drift', kind: 'deleted', severity: 'high' }])
    expect(awaken(world, YEAR_END)).toEqual([])
  })

  test('is over for the next event as well', () => {
    const { play } = suppressed(tags)
    expect(outcomesOf(play(tag('x', '1'), tag('x', '1', { eventTime: '2026-02-01T00:00:00Z' })))).toEqual([
      'suppressed',
      'drift',
    ])
  })

  test('speaks up when it has run out', () => {
    expect(expiredSuppressions([tags], YEAR_END - 1)).toEqual([])
    expect(expiredSuppressions([tags, { ...tags, expires: '2026-01-01T00:00:01Z' }], YEAR_END)).toMatchObject([
      { code: 'SuppressionExpired', id: 'legacy-tags-2025-12-31' },
    ])
  })

  test('is quiet about a new serial that agrees', () => {
    const { world, note, play } = suppressed(tags)
    play(tag('x', '1'))
    const agreed = { ...repository[address], tags_all: { Name: 'my-app-repo', Team: 'platform', x: '1' } }
    world.states.replace(stateOf({ ...repository, [address]: agreed }, { serial: 2 }), START)
    expect(outcomesOf(note(settle('example', world, START)))).toEqual(['suppressed'])
    expect(world.drifts.openIn()).toEqual([])
  })

  test('tells the end of what was told before there was a suppression', () => {
    const before = stage()
    before.play(tag('x', '1'))
    const { play } = stage({ suppressions: [tags], drifts: createDrifts(before.told) })
    expect(outcomesOf(play(tag('x', '2'), untag('x')))).toEqual(['suppressed', 'resolved'])
  })
})

test("driftctl's ignore file keeps quiet what it lists", () => {
  const driftignore = parseDriftignore('aws_ecr_repository.my-app-repo.tags.x\naws_ecr_repository.side-*\n')
  const { play } = stage({ driftignore })
  const made = record('CreateRepository', { repositoryName: 'side-1' })
  const findings = play(tag('x', '1'), tag('y', '1'), made, gone())
  expect(outcomesOf(findings)).toEqual(['suppressed', 'drift', 'suppressed', 'drift'])
  expect(findings[0]?.withheld).toMatchObject([{ by: 'driftignore', name: 'aws_ecr_repository.my-app-repo.tags.x' }])
})

describe('an attribute that flaps', () => {
  const toggles = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) =>
      mutability((index + from) % 2 === 0 ? 'MUTABLE' : 'IMMUTABLE', at(index + from)),
    )
  const openings = ['drift', 'resolved', 'drift', 'resolved', 'drift', 'resolved']

  test('is told to do so, and then no more', () => {
    const { play, open } = stage()
    const findings = play(...toggles(11))
    expect(outcomesOf(findings)).toEqual([...openings, 'drift', 'suppressed', 'suppressed', 'suppressed', 'suppressed'])
    expect(findings[6]?.flapping).toEqual({
      image_tag_mutability: { transitions: 6, since: '2025-12-06T07:30:00.000Z' },
    })
    expect(findings[7]).toMatchObject({ resolves: findings[6]?.eventId, withheld: [{ by: 'flapping' }] })
    expect(open()).toEqual(['image_tag_mutability'])
  })

  test.each([
    [8, 'put right', ['resolved']],
    [9, 'wrong, which people know', []],
  ])('after %i changes rests as %s', (count, _, outcomes) => {
    const { world, told, note, play } = stage()
    play(...toggles(count))
    const rested = START + (count + 15) * MINUTE
    expect(awaken(world, rested - 2 * MINUTE)).toEqual([])
    const restored = { ...world, drifts: createDrifts(JSON.parse(JSON.stringify(told)) as Finding[]) }
    expect(outcomesOf(awaken(restored, rested))).toEqual(outcomes)
    expect(outcomesOf(note(awaken(world, rested)))).toEqual(outcomes)
    expect(awaken(world, rested)).toEqual([])
  })

  test('does not hide a value that is new', () => {
    const values = ['a', 'my-app-repo', 'a', 'my-app-repo', 'a', 'my-app-repo', 'a', 'my-app-repo']
    const { play } = stage()
    play(...values.map((value, index) => tag('Name', value, at(index))))
    expect(outcomesOf(play(tag('Name', 'evil', at(9)), tag('Name', 'a', at(10)), tag('Name', 'evil', at(11))))).toEqual(
      ['drift', 'suppressed', 'suppressed'],
    )
  })

  test('is none when there is time between', () => {
    const { play } = stage()
    const slow = Array.from({ length: 10 }, (_, index) =>
      mutability(index % 2 === 0 ? 'MUTABLE' : 'IMMUTABLE', at(index * 16)),
    )
    expect(outcomesOf(play(...slow))).not.toContain('suppressed')
  })

  test('says nothing of the others', () => {
    const { play } = stage()
    play(...toggles(8))
    expect(outcomesOf(play(tag('x', '1', at(9))))).toEqual(['drift'])
  })
})
