import { flagOf, parseActor, textOf } from './actor.ts'
import { readLogEntry } from './audit_log.ts'
import type { Actor, CloudEvent } from './event.ts'
import { isObject, isWithinDepth, type Json, type JsonObject } from './json.ts'

/** An SQS message ends at 1 MiB. */
const MAX_MESSAGE_CHARS = 1024 * 1024
/** Real records nest below 20. */
export const MAX_DEPTH = 64
/** A record may come in an SNS message in an array in …, but not in more than this. */
const MAX_WRAPPERS = 4
const MAX_NAME = 256

/** The source of two services. */
export const AUTO_SCALING = 'autoscaling.amazonaws.com'
const RFC3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
/** Old records carry no `readOnly`; the API's verb is what is left. */
const READING_VERB =
  /^(?:BatchGet|BatchCheck|BatchDescribe|Check|Count|Decode|Describe|Detect|Discover|Download|Estimate|Filter|Get|Head|List|Lookup|Poll|Preview|Query|Scan|Search|Select|Simulate|Test|Validate|Verify|View)(?=[A-Z]|$)/

export type EventErrorCode = 'ERR_EVENT_JSON' | 'ERR_EVENT_SHAPE' | 'ERR_EVENT_FIELD' | 'ERR_EVENT_LIMIT'

/** A record that is none. The message names the field, never what stood in it. */
export class EventError extends Error {
  readonly code: EventErrorCode

  constructor(code: EventErrorCode, message: string) {
    super(message)
    this.name = 'EventError'
    this.code = code
  }
}

/** Takes a queue message apart into the audit records that it carries; none of them is parsed yet. */
export function parseMessage(text: string): readonly Json[] {
  if (text.length > MAX_MESSAGE_CHARS)
    throw new EventError('ERR_EVENT_LIMIT', `message over ${MAX_MESSAGE_CHARS} characters`)
  return unwrap(parseJson(text))
}

/**
 * The records in a CloudTrail log file, an EventBridge envelope, an SNS notification, what CloudWatch Logs sends to a
 * subscription, what `aws cloudtrail lookup-events` prints, or the record itself.
 */
export function unwrap(value: Json, wrappers: number = MAX_WRAPPERS): readonly Json[] {
  if (wrappers === 0) throw new EventError('ERR_EVENT_LIMIT', `record inside more than ${MAX_WRAPPERS} envelopes`)
  if (Array.isArray(value)) return value.flatMap((inner: Json) => unwrap(inner, wrappers - 1))
  if (!isObject(value)) return [value]
  if (Array.isArray(value['Records'])) return value['Records']
  if (Array.isArray(value['Events'])) return unwrap(value['Events'], wrappers - 1)
  if (typeof value['CloudTrailEvent'] === 'string') return unwrap(parseJson(value['CloudTrailEvent']), wrappers - 1)
  if (value['detail-type'] !== undefined && isObject(value['detail'])) return [value['detail']]
  if (value['Type'] === 'Notification' && typeof value['Message'] === 'string')
    return unwrap(parseJson(value['Message']), wrappers - 1)
  if (Array.isArray(value['logEvents'])) return unwrap(value['logEvents'].map(messageOf), wrappers - 1)
  return [value]
}

/** The record that is the text of a line in CloudWatch Logs. */
const messageOf = (line: Json): Json =>
  isObject(line) && typeof line['message'] === 'string' ? parseJson(line['message']) : line

/** Reads one CloudTrail record, or an entry of Google's audit logs. Only the service and the name of the call must be there. */
export function parseRecord(value: Json): CloudEvent {
  if (!isObject(value)) throw new EventError('ERR_EVENT_SHAPE', 'a record is a JSON object')
  if (!isWithinDepth(value, MAX_DEPTH)) throw new EventError('ERR_EVENT_LIMIT', `record nests over ${MAX_DEPTH} deep`)
  return eventOf(value)
}

/** The same of an object that is known to nest no deeper than `MAX_DEPTH`. */
export function eventOf(value: JsonObject): CloudEvent {
  const payload = value['protoPayload']
  if (isObject(payload))
    return readLogEntry(value, payload, {
      source: required(payload, 'serviceName'),
      name: required(payload, 'methodName'),
      time: timeOf(value['timestamp']),
    })
  return new CloudTrailEvent(value)
}

/** A class for its getter: most records are dropped before anybody asks who it was, and an object's own would cost more than the answer. */
class CloudTrailEvent implements CloudEvent {
  readonly cloud = 'aws'
  readonly id: string
  readonly time: string
  readonly source: string
  readonly name: string
  readonly account: string
  readonly region: string
  readonly type: string
  readonly readOnly: boolean
  declare readonly errorCode?: string
  readonly request: JsonObject
  readonly response: JsonObject
  readonly record: JsonObject

  constructor(record: JsonObject) {
    this.name = required(record, 'eventName')
    this.source = sourceOf(record)
    this.record = record
    this.id = textOf(record['eventID']) ?? ''
    this.time = timeOf(record['eventTime'])
    this.account = textOf(record['recipientAccountId']) ?? this.actor.account ?? ''
    this.region = textOf(record['awsRegion']) ?? ''
    this.type = textOf(record['eventType']) ?? 'AwsApiCall'
    this.readOnly = flagOf(record['readOnly']) ?? READING_VERB.test(this.name)
    this.request = parameters(record['requestParameters'])
    this.response = parameters(record['responseElements'])
    const errorCode = textOf(record['errorCode']) ?? (record['errorMessage'] ? 'Error' : undefined)
    if (errorCode !== undefined) this.errorCode = errorCode
  }

  get actor(): Actor {
    return parseActor(this.record)
  }
}

/** Application Auto Scaling writes under the source of Auto Scaling, some of whose calls have the same names. */
function sourceOf(record: JsonObject): string {
  const source = required(record, 'eventSource')
  const more = record['additionalEventData']
  const isApplication = isObject(more) && more['service'] === 'application-autoscaling'
  return isApplication && source === AUTO_SCALING ? 'application-autoscaling.amazonaws.com' : source
}

/** Null on most reads and failures, and once seen as a string. */
const parameters = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

function timeOf(value: Json | undefined): string {
  const time = textOf(value) ?? ''
  return RFC3339_UTC.test(time) ? time : ''
}

function required(record: JsonObject, field: string): string {
  const value = record[field]
  if (typeof value !== 'string' || value === '') throw new EventError('ERR_EVENT_FIELD', `record without ${field}`)
  if (value.length > MAX_NAME) throw new EventError('ERR_EVENT_LIMIT', `${field} over ${MAX_NAME} characters`)
  return value
}

function parseJson(text: string): Json {
  try {
    // JSON.parse gives Json and nothing else.
    return JSON.parse(text) as Json
  } catch {
    throw new EventError('ERR_EVENT_JSON', 'not JSON')
  }
}
