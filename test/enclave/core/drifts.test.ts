import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { draft } from '../../../enclave/core/draft.ts'
import { createDrifts } from '../../../enclave/core/drifts.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import { record } from './world.ts'

const event = parseRecord(record('PutImageTagMutability', {}))
const drift = (eventId: string, address: string, path: string): Finding => ({
  ...draft(event, 'drift', ''),
  eventId,
  kind: 'changed',
  resource: { type: 'aws_ecr_repository', id: address, address, state: 's' },
  changes: { [path]: ['a', 'b'] },
})

test('keeps the youngest of too many resources', () => {
  const drifts = createDrifts()
  for (let at = 0; at <= 20_000; at += 1) drifts.record(drift(`e${at}`, `r${at}`, 'x'))
  expect(drifts.openIn('s')).toHaveLength(20_000)
  expect(drifts.open('s', 'r0')).toEqual([])
  expect(drifts.open('s', 'r20000')).toHaveLength(1)
})

test('keeps the youngest of too many attributes', () => {
  const drifts = createDrifts()
  for (let at = 0; at <= 256; at += 1) drifts.record(drift(`e${at}`, 'r', `tags.t${at}`))
  const paths = drifts.open('s', 'r').map(({ path }) => path)
  expect(paths).toHaveLength(256)
  expect(paths).not.toContain('tags.t0')
})

test('forgets the oldest of too many events', () => {
  const drifts = createDrifts()
  const seen = (eventId: string): Finding => ({ ...draft(event, 'unmapped', ''), eventId })
  for (let at = 0; at <= 200_000; at += 1) drifts.record(seen(`e${at}`))
  expect([drifts.isSeen(seen('e0')), drifts.isSeen(seen('e1'))]).toEqual([false, true])
})

test('an event without an id is never one that was seen', () => {
  const nameless: Finding = { ...draft(event, 'unmapped', ''), eventId: '' }
  expect(createDrifts([nameless]).isSeen(nameless)).toBe(false)
})
