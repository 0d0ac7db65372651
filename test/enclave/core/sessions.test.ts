import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { createSessions } from '../../../enclave/core/sessions.ts'
import { record } from './world.ts'

const assume = (from: string, to: string, over: JsonObject = {}) =>
  parseRecord(
    record(
      'AssumeRole',
      {},
      {
        eventSource: 'sts.amazonaws.com',
        userIdentity: { type: 'IAMUser', userName: `with ${from}`, accessKeyId: from },
        responseElements: { credentials: { accessKeyId: to } },
        ...over,
      },
    ),
  )
const actorWith = (accessKey: string) =>
  parseRecord(record('X', {}, { userIdentity: { accessKeyId: accessKey } })).actor
const namesBehind = (accessKey: string, ...events: readonly ReturnType<typeof assume>[]) => {
  const sessions = createSessions()
  for (const event of events) sessions.record(event)
  return sessions.complete(actorWith(accessKey)).assumedBy?.map(({ name }) => name)
}

test.each<[string, readonly ReturnType<typeof assume>[], readonly string[] | undefined]>([
  ['one who assumed it', [assume('A', 'Z')], ['with A']],
  ['nobody, where nothing was seen', [assume('A', 'B')], undefined],
  ['a chain', [assume('A', 'B'), assume('B', 'Z')], ['with B', 'with A']],
  [
    'a chain of three and no more',
    [assume('A', 'B'), assume('B', 'C'), assume('C', 'D'), assume('D', 'Z')],
    ['with D', 'with C', 'with B'],
  ],
  ['a circle, which nobody should make', [assume('Z', 'A'), assume('A', 'Z')], ['with A', 'with Z', 'with A']],
  ['the younger of two', [assume('A', 'Z'), assume('B', 'Z')], ['with B']],
  ['nobody by a failed call', [assume('A', 'Z', { errorCode: 'AccessDenied' })], undefined],
  ['nobody by another service', [assume('A', 'Z', { eventSource: 'x.amazonaws.com' })], undefined],
  ['nobody by another call', [assume('A', 'Z', { eventName: 'GetCallerIdentity' })], undefined],
  ['nobody by credentials that are none', [assume('A', 'Z', { responseElements: { credentials: 'Z' } })], undefined],
  [
    'nobody by a key that is none',
    [assume('A', 'Z', { responseElements: { credentials: { accessKeyId: 7 } } })],
    undefined,
  ],
])('a session has behind it %s', (_, events, names) => {
  expect(namesBehind('Z', ...events)).toEqual(names)
})

test('forgets the oldest of too many', () => {
  const sessions = createSessions()
  for (let at = 0; at <= 50_000; at += 1) sessions.record(assume('A', `K${at}`))
  expect(sessions.complete(actorWith('K0')).assumedBy).toBeUndefined()
  expect(sessions.complete(actorWith('K1')).assumedBy).toHaveLength(1)
})
