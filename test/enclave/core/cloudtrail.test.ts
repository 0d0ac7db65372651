import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventError, parseMessage, parseRecord, unwrap } from '../../../enclave/core/cloudtrail.ts'
import type { Json } from '../../../enclave/core/json.ts'
import { isClean } from './thrown.ts'

const record = { eventSource: 'ecr.amazonaws.com', eventName: 'PutImageTagMutability' }
const bridge = { version: '0', 'detail-type': 'AWS API Call via CloudTrail', detail: record }
const sns = { Type: 'Notification', Message: JSON.stringify({ Records: [record, record] }) }
const line = { id: '1', timestamp: 1767323045000, message: JSON.stringify(record) }

describe('unwrap', () => {
  test.each<[string, Json, number]>([
    ['a bare record', record, 1],
    ['an EventBridge envelope', bridge, 1],
    ['a CloudTrail log file', { Records: [record, record] }, 2],
    ['an SNS notification', sns, 2],
    ['what lookup-events prints', { Events: [{ EventId: 'e', CloudTrailEvent: JSON.stringify(record) }] }, 1],
    ['what lookup-events prints of nothing', { Events: [] }, 0],
    ['what CloudWatch Logs sends', { messageType: 'DATA_MESSAGE', logEvents: [line, line] }, 2],
    ['a list of envelopes', [bridge, bridge, record], 3],
    ['a log file without records', { Records: [] }, 0],
  ])('%s', (_, value, count) => {
    expect(unwrap(value)).toEqual(Array.from({ length: count }, () => record))
  })

  test('gives up on envelopes without end', () => {
    let value: Json = record
    for (let depth = 0; depth < 9; depth += 1) value = [value]
    expect(() => unwrap(value)).toThrow(expect.objectContaining({ code: 'ERR_EVENT_LIMIT' }))
  })
})

describe('parseRecord', () => {
  test('reads a record that has nothing but a name and a service', () => {
    const event = parseRecord(record)
    expect({ ...event, actor: event.actor }).toEqual({
      cloud: 'aws',
      id: '',
      time: '',
      source: 'ecr.amazonaws.com',
      name: 'PutImageTagMutability',
      account: '',
      region: '',
      type: 'AwsApiCall',
      readOnly: false,
      actor: { type: 'Unknown', name: 'unknown', console: false },
      request: {},
      response: {},
      record,
    })
  })

  test.each<[string, Json, string]>([
    ['autoscaling.amazonaws.com', { service: 'application-autoscaling' }, 'application-autoscaling.amazonaws.com'],
    ['autoscaling.amazonaws.com', { service: 'other' }, 'autoscaling.amazonaws.com'],
    ['autoscaling.amazonaws.com', null, 'autoscaling.amazonaws.com'],
    ['ecr.amazonaws.com', { service: 'application-autoscaling' }, 'ecr.amazonaws.com'],
  ])('source: %s with %j is %s', (eventSource, additionalEventData, source) => {
    expect(parseRecord({ ...record, eventSource, additionalEventData }).source).toBe(source)
  })

  test.each<[string, Json, boolean]>([
    ['says it reads', { readOnly: true }, true],
    ['says it as text', { readOnly: 'true' }, true],
    ['has a reading verb and says nothing', { eventName: 'DescribeRepositories' }, true],
    ['has a verb that only begins like one', { eventName: 'GetterCreate' }, false],
    ['has a reading verb and says it writes', { eventName: 'GetAndChange', readOnly: false }, false],
  ])('readOnly: a record that %s', (_, over, readOnly) => {
    expect(parseRecord({ ...record, ...(over as object) }).readOnly).toBe(readOnly)
  })

  test.each<[string, Json, string | undefined]>([
    ['nothing', {}, undefined],
    ['a code', { errorCode: 'AccessDenied' }, 'AccessDenied'],
    ['a message alone', { errorMessage: 'Failed authentication' }, 'Error'],
  ])('error: %s', (_, over, code) => {
    expect(parseRecord({ ...record, ...(over as object) }).errorCode).toBe(code)
  })

  test('takes the caller for the account when no recipient is named', () => {
    expect(parseRecord({ ...record, userIdentity: { accountId: '111122223333' } }).account).toBe('111122223333')
  })

  test.each<[string, Json]>([
    ['requestParameters', 'a string, as once seen'],
    ['requestParameters', null],
    ['userIdentity', []],
    ['eventTime', 'yesterday'],
    ['awsRegion', 7],
  ])('takes %s = %j for not given', (field, value) => {
    const event = parseRecord({ ...record, [field]: value })
    expect(event).toEqual({ ...parseRecord(record), record: { ...record, [field]: value } })
  })

  let deep: Json = 1
  for (let depth = 0; depth < 100; depth += 1) deep = [deep]
  test.each<[string, Json, string]>([
    ['null', null, 'ERR_EVENT_SHAPE'],
    ['a list', [], 'ERR_EVENT_SHAPE'],
    ['text', 'record', 'ERR_EVENT_SHAPE'],
    ['no eventName', { eventSource: 'ecr.amazonaws.com' }, 'ERR_EVENT_FIELD'],
    ['no eventSource', { eventName: 'PutImage' }, 'ERR_EVENT_FIELD'],
    ['an empty name', { ...record, eventName: '' }, 'ERR_EVENT_FIELD'],
    ['a name without end', { ...record, eventName: 'x'.repeat(300) }, 'ERR_EVENT_LIMIT'],
    ['a bottomless request', { ...record, requestParameters: { deep } }, 'ERR_EVENT_LIMIT'],
  ])('refuses %s', (_, value, code) => {
    expect(() => parseRecord(value)).toThrow(expect.objectContaining({ code }))
  })
})

test.each([
  ['not JSON', '{"x":', 'ERR_EVENT_JSON'],
  ['a message over the limit', ' '.repeat(1024 * 1024 + 1), 'ERR_EVENT_LIMIT'],
  ['an SNS message that is not JSON', '{"Type":"Notification","Message":"hello"}', 'ERR_EVENT_JSON'],
  ['a record as text that is not JSON', '{"Events":[{"CloudTrailEvent":"hello"}]}', 'ERR_EVENT_JSON'],
  ['a line of a log that is not JSON', '{"logEvents":[{"message":"CWL CONTROL MESSAGE"}]}', 'ERR_EVENT_JSON'],
])('parseMessage refuses %s', (_, text, code) => {
  expect(() => parseMessage(text)).toThrow(expect.objectContaining({ code }))
})

test('throws nothing but its own error', () => {
  const fields = fc.constantFrom(
    'eventSource',
    'eventName',
    'userIdentity',
    'Records',
    'detail',
    'Type',
    'Message',
    'logEvents',
    'x',
  )
  const recordLike = fc.dictionary(fields, fc.jsonValue({ maxDepth: 4 }))
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), recordLike), fc.string(), (value, text) => {
      expect(isClean(() => parseRecord(value as Json), EventError)).toBe(true)
      expect(isClean(() => parseMessage(JSON.stringify(value)).map(parseRecord), EventError)).toBe(true)
      expect(isClean(() => parseMessage(text), EventError)).toBe(true)
    }),
  )
})
