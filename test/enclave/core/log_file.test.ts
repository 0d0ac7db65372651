import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventError, parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { dismissal } from '../../../enclave/core/detect.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { scanLog, UnreadRecord, wholeOf } from '../../../enclave/core/log_file.ts'
import { createSessions } from '../../../enclave/core/sessions.ts'
import { wounded } from './wounds.ts'
import { record, worldOf } from './world.ts'

const read = record('DescribeRepositories', {}, { readOnly: true, responseElements: null })
const fileOf = (...records: readonly string[]) => Buffer.from(`{"Records":[${records.join(',')}]}`)

describe('a record', () => {
  test.each<[string, string, boolean]>([
    ['that reads', JSON.stringify(read), true],
    ['in another layout', JSON.stringify(read, undefined, 2), true],
    ['that failed', JSON.stringify({ ...read, errorCode: 'AccessDenied', errorMessage: 'no' }), true],
    ['with text beyond ASCII', JSON.stringify({ ...read, eventName: 'Ü€😀', errorMessage: 'ß' }), true],
    ['with almost nothing', '{}', true],
    ['with an answer', JSON.stringify({ ...read, responseElements: { _return: false } }), false],
    ['with a backslash', JSON.stringify({ ...read, userAgent: '"' }), false],
    ['that hides a name', JSON.stringify(read).replace('readOnly', String.raw`r\u0065adOnly`), false],
    ['with a number for a text', JSON.stringify({ ...read, eventTime: 1 }), false],
    ['of Auto Scaling', JSON.stringify({ ...read, eventSource: 'autoscaling.amazonaws.com' }), false],
    ["of Google's logs", '{"protoPayload":{"serviceName":"a","methodName":"b"}}', false],
    ['that is none', '"record"', false],
    ['that is nothing', 'null', false],
  ])('%s: %s shows enough at a glance: %s', (_, text, isTelling) => {
    const [found, ...more] = scanLog(fileOf(JSON.stringify(read), text))?.slice(1) ?? []
    expect(more).toEqual([])
    expect(found instanceof UnreadRecord && found.isTelling).toBe(isTelling)
    expect(wholeOf(found ?? null)).toEqual(JSON.parse(text))
  })

  test('has no time that is no text', () => {
    const [found] = scanLog(fileOf('{"eventName":"a","eventTime":["b"]}')) ?? []
    expect(found).toMatchObject({ isTelling: false, glance: { eventName: 'a', eventTime: null } })
  })

  test('of two members with one name the last counts', () => {
    const [found] = scanLog(fileOf('{"eventName":{},"readOnly":false,"readOnly":true,"eventName":"b"}')) ?? []
    expect(found).toMatchObject({ glance: { eventName: 'b', readOnly: true, errorCode: null } })
  })

  test('keeps to itself what its neighbour says in as many letters', () => {
    const found = scanLog(fileOf('{"eventName":"aXb"}', '{"eventName":"aYb"}', '{"eventName":"aYb"}', '{}')) ?? []
    expect(found.map((each) => each instanceof UnreadRecord && each.glance.eventName)).toEqual([
      'aXb',
      'aYb',
      'aYb',
      null,
    ])
  })

  test('is no more than what lies at its own level', () => {
    const [found] = scanLog(fileOf('{"requestParameters":{"readOnly":true,"errorCode":"x"},"eventName":"a"}')) ?? []
    expect(found).toMatchObject({ glance: { eventName: 'a', readOnly: null, errorCode: null } })
  })
})

const deep = (depth: number) => `{"requestParameters":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

test.each<[string, string | Uint8Array, boolean]>([
  ['no records', ' { "Records" : [ ] } \n', true],
  ['a record as deep as one may be', fileOf(deep(64)), true],
  ['a record that is deeper', fileOf(deep(65)), false],
  ['another document', JSON.stringify(read), false],
  ['a list', '[]', false],
  ['nothing', '', false],
  ['an empty object', '{}', false],
  ['records that are no list', '{"Records":{}}', false],
  ['a second list, which would be the one that counts', '{"Records":[{}],"Records":[]}', false],
  ['something beside the records', '{"Records":[{}],"detail-type":""}', false],
  ['a hidden name', String.raw`{"R\u0065cords":[]}`, false],
  ['half a file', fileOf(JSON.stringify(read)).subarray(0, -2), false],
  ['something after it', '{"Records":[]}{}', false],
  ['a mark of the byte order', '\ufeff{"Records":[]}', false],
  ['a broken record among others', fileOf(JSON.stringify(read), '{"eventName":tru}', JSON.stringify(read)), false],
  ['a text that is left open inside a record that would be dropped', fileOf('{"a":"},{"eventName":"b"}'), false],
])('%s is read as a log file: %s', (_, text, isLog) => {
  expect(scanLog(Buffer.from(text)) !== undefined).toBe(isLog)
})

describe('says what the whole parse says', () => {
  const told = 'eventName eventSource eventTime eventType eventCategory recipientAccountId readOnly managementEvent'
  const judged =
    'errorCode errorMessage responseElements protoPayload additionalEventData requestParameters userIdentity'
  const odd = String.raw`eventNames errorcode __proto__ read\u004fnly`
  const fields = `${told} ${judged} ${odd} `.split(' ')
  const sources = ['ecr.amazonaws.com', 'autoscaling.amazonaws.com', 'signin.amazonaws.com', 'sts.amazonaws.com', 'ü']
  const names = ['PutImageTagMutability', 'DescribeRepositories', 'AssumeRole', 'Other', 'x'.repeat(300), '']
  const others = ['AwsServiceEvent', 'AwsConsoleSignIn', 'Data', 'Insight', 'DryRunOperation', 'true', 'a"b']
  const nested: readonly Json[] = [
    { _return: false },
    { _return: 'x', readOnly: true },
    { credentials: { accessKeyId: 'ASIAEXAMPLE' } },
    { service: 'application-autoscaling' },
    { serviceName: 'a', methodName: 'b' },
  ]
  const value = fc
    .constantFrom<Json>(...sources, ...names, ...others, true, false, null, 0, -1.5, [], {}, ...nested)
    .map((plain) => JSON.stringify(plain))
  const member = (key: fc.Arbitrary<string>, of: fc.Arbitrary<string>) =>
    fc.tuple(key, of).map(([k, v]) => `"${k}":${v}`)
  const texts = (from: readonly string[]) => fc.constantFrom(...from).map((text) => JSON.stringify(text))
  const recordText = fc
    .tuple(
      member(fc.constant('eventName'), texts(names)),
      member(fc.constant('eventSource'), texts(sources)),
      fc.array(member(fc.constantFrom(...fields), value), { maxLength: 8 }),
    )
    .map(([name, source, more]) => `{${[name, source, ...more].join(',')}}`)
  const files = fc.array(fc.oneof({ weight: 9, arbitrary: recordText }, { weight: 1, arbitrary: value }), {
    maxLength: 4,
  })

  const world = worldOf([])
  /** Why a record is dropped or is none, and what is known afterwards of who assumed whom. */
  function fateOf(whole: Json): unknown {
    try {
      const event = parseRecord(whole)
      const sessions = createSessions()
      sessions.record(event)
      const known = sessions.complete({ type: 'AssumedRole', name: 'x', console: false, accessKey: 'ASIAEXAMPLE' })
      return { dropped: dismissal(event, world), time: event.time, known }
    } catch (error) {
      if (error instanceof EventError) return error.message
      throw error
    }
  }

  test.each<JsonObject>([
    {},
    { readOnly: true },
    { readOnly: 'true' },
    { managementEvent: false },
    { eventCategory: 'Data' },
    { eventType: 'AwsServiceEvent' },
    { errorCode: 'Client.DryRunOperation' },
    { errorMessage: 'no' },
    { eventSource: 'signin.amazonaws.com' },
    { eventSource: '' },
  ])('of a call with %j', (over) => {
    const whole = record('PutRepositoryLabel', {}, { responseElements: null, ...over })
    const [found] = scanLog(fileOf(JSON.stringify(whole))) ?? []
    expect(found).toBeInstanceOf(UnreadRecord)
    expect(found instanceof UnreadRecord && fateOf(found.glance)).toEqual(fateOf(whole))
  })

  test('of every record, and of whether it is dropped', () => {
    fc.assert(
      fc.property(files, (records) => {
        const found = scanLog(fileOf(...records))
        expect(found?.map(wholeOf)).toEqual(records.map((text) => JSON.parse(text) as Json))
        const unread = (found ?? []).filter((each) => each instanceof UnreadRecord).filter(({ isTelling }) => isTelling)
        expect(unread.map(({ glance }) => fateOf(glance))).toEqual(unread.map((each) => fateOf(each.read())))
      }),
      { numRuns: 500 },
    )
  })

  test('whatever became of the bytes', () => {
    const recordsIn = (bytes: Buffer) => (JSON.parse(bytes.toString()) as { Records: readonly Json[] }).Records
    fc.assert(
      fc.property(wounded(files.map((records) => fileOf(...records))), (bytes) => {
        const found = scanLog(bytes)?.map(wholeOf)
        expect(found).toEqual(found && recordsIn(bytes))
      }),
      { numRuns: 500 },
    )
  })
})
