import { textOf } from './actor.ts'
import type { CloudEvent } from './event.ts'
import { defined, isObject, type Json, type JsonObject } from './json.ts'

/** The log that holds changes of configuration; the others hold reads, content, and what Google does itself. */
const ACTIVITY = /\/cloudaudit\.googleapis\.com(?:%2F|\/)activity$/
const SERVICE_ACCOUNT = /\.gserviceaccount\.com$/

/** What of an entry `parseRecord` has checked. */
type Checked = Pick<CloudEvent, 'source' | 'name' | 'time'>

/** Reads an entry of Google's audit logs. No catalog describes its calls, so rules judge them by the entry alone. */
export function readLogEntry(entry: JsonObject, payload: JsonObject, checked: Checked): CloudEvent {
  const caller = objectOf(payload['authenticationInfo'])
  const request = objectOf(payload['requestMetadata'])
  const labels = objectOf(objectOf(entry['resource'])['labels'])
  const name = textOf(caller['principalEmail']) ?? textOf(caller['principalSubject']) ?? 'unknown'
  const log = textOf(entry['logName'])
  const code = objectOf(payload['status'])['code']
  return defined<CloudEvent>({
    ...checked,
    cloud: 'gcp',
    id: textOf(entry['insertId']) ?? '',
    account: textOf(labels['project_id']) ?? '',
    region: textOf(labels['location']) ?? textOf(labels['region']) ?? '',
    type: 'AuditLog',
    readOnly: log !== undefined && !ACTIVITY.test(log),
    errorCode: typeof code === 'number' && code !== 0 ? String(code) : undefined,
    actor: defined<CloudEvent['actor']>({
      type: SERVICE_ACCOUNT.test(name) ? 'ServiceAccount' : 'User',
      name,
      console: false,
      sourceIp: textOf(request['callerIp']),
      userAgent: textOf(request['callerSuppliedUserAgent']),
    }),
    request: objectOf(payload['request']),
    response: objectOf(payload['response']),
    record: entry,
  })
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
