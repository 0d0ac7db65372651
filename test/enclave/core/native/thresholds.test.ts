import { describe, expect, test } from 'vitest'
import { createDrifts } from '../../../../enclave/core/drifts.ts'
import type { Finding } from '../../../../enclave/core/finding.ts'
import { createTallies, type Per, type Threshold } from '../../../../enclave/core/native/thresholds.ts'
import { subject } from './subject.ts'

const START = Date.parse('2026-01-15T12:00:00Z')
const three: Threshold = { count: 3, windowMs: 60_000, per: 'account' }

/** A finding for which the rule's conditions held, so many seconds after the start. */
const at = (seconds: number, over: Partial<Finding> = {}, per: Per = 'account'): Finding => ({
  ...subject(over).finding,
  eventId: `e${seconds}`,
  time: new Date(START + seconds * 1000).toISOString(),
  counted: [{ rule: 'r', per }],
})

/** Which of the findings reach the threshold, one after the other, as the detector takes them. */
function reached(findings: readonly Finding[], threshold: Threshold = three): readonly boolean[] {
  const tallies = createTallies()
  return findings.map((finding) => {
    const isReached = tallies.isReached('r', threshold, finding)
    const fired = { id: 'r', name: 'R', severity: 'low', message: '' } as const
    tallies.record(isReached ? { ...finding, rules: [fired] } : finding)
    return isReached
  })
}

const seconds = (...moments: readonly number[]) => moments.map((moment) => at(moment))

test.each([
  ['the third in time', [0, 10, 20], [false, false, true]],
  ['the third too late', [0, 10, 60], [false, false, false]],
  ['the window moves on', [0, 50, 100, 105], [false, false, false, true]],
  ['after an alert the count begins anew', [0, 1, 2, 3, 4, 5], [false, false, true, false, false, true]],
  ['out of order', [20, 0, 10], [false, false, true]],
  ['out of order, and not in one window', [50, 0, 100], [false, false, false]],
] as const)('%s', (_, moments, expected) => {
  expect(reached(seconds(...moments))).toEqual(expected)
})

const actor = (arn: string, role?: string): Partial<Finding> => ({
  actor: { type: 'AssumedRole', name: 'n', console: false, arn, ...(role === undefined ? {} : { role }) },
})

describe('counts apart', () => {
  test.each([
    ['account', {}, { account: '444455556666' }, false],
    ['account', actor('a'), actor('b'), true],
    ['actor', actor('a'), actor('b'), false],
    ['actor', actor('session-1', 'role'), actor('session-2', 'role'), true],
    ['resource', {}, {}, true],
    ['resource', {}, { resource: null }, false],
  ] as const)('per %s', (per, one, other, together) => {
    const pair = { ...three, count: 2, per }
    expect(reached([at(0, one, per), at(1, other, per)], pair)).toEqual([false, together])
  })
})

test('stored findings bring the counts back', () => {
  const stored = [at(0), at(10)]
  expect(createDrifts(stored).tallies.isReached('r', three, at(20))).toBe(true)
  expect(createDrifts(stored.slice(1)).tallies.isReached('r', three, at(20))).toBe(false)
})

test('what has no time is not counted', () => {
  const timeless = { ...at(0), time: '' }
  expect(reached([timeless, timeless, timeless])).toEqual([false, false, false])
})

test('memory is bounded: the oldest count goes', () => {
  const tallies = createTallies()
  const apart = (n: number) => at(0, { account: String(n) })
  for (let n = 0; n <= 10_000; n += 1) tallies.record(apart(n))
  const two = { ...three, count: 2 }
  expect(tallies.isReached('r', two, apart(0))).toBe(false)
  expect(tallies.isReached('r', two, apart(1))).toBe(true)
})
