import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventError, parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { Json } from '../../../enclave/core/json.ts'
import { isClean } from './thrown.ts'

const payload = {
  serviceName: 'compute.googleapis.com',
  methodName: 'v1.compute.firewalls.patch',
  authenticationInfo: { principalEmail: 'admin@example.com' },
  requestMetadata: { callerIp: '203.0.113.12', callerSuppliedUserAgent: 'gcloud' },
  request: { sourceRanges: ['0.0.0.0/0'] },
  response: { status: 'RUNNING' },
}
const entry = {
  insertId: '1example',
  timestamp: '2026-01-15T12:00:00.123456789Z',
  logName: 'projects/example/logs/cloudaudit.googleapis.com%2Factivity',
  resource: { type: 'gce_firewall_rule', labels: { project_id: 'example', location: 'global' } },
  protoPayload: payload,
}
const withPayload = (over: object): Json => ({ ...entry, protoPayload: { ...payload, ...over } })

test('reads an entry', () => {
  expect(parseRecord(entry)).toEqual({
    cloud: 'gcp',
    id: '1example',
    time: '2026-01-15T12:00:00.123456789Z',
    source: 'compute.googleapis.com',
    name: 'v1.compute.firewalls.patch',
    account: 'example',
    region: 'global',
    type: 'AuditLog',
    readOnly: false,
    actor: {
      type: 'User',
      name: 'admin@example.com',
      console: false,
      sourceIp: '203.0.113.12',
      userAgent: 'gcloud',
    },
    request: { sourceRanges: ['0.0.0.0/0'] },
    response: { status: 'RUNNING' },
    record: entry,
  })
})

test.each<[string, Json, object]>([
  ['a refusal', withPayload({ status: { code: 7 } }), { errorCode: '7' }],
  ['a success', withPayload({ status: {} }), { name: 'v1.compute.firewalls.patch' }],
  [
    'a log of what is read',
    { ...entry, logName: 'projects/example/logs/cloudaudit.googleapis.com%2Fdata_access' },
    { readOnly: true },
  ],
  [
    'a service account',
    withPayload({ authenticationInfo: { principalEmail: 'ci@example.iam.gserviceaccount.com' } }),
    { actor: { type: 'ServiceAccount' } },
  ],
  [
    'a caller without an address',
    withPayload({ authenticationInfo: { principalSubject: 'principal://example' } }),
    { actor: { name: 'principal://example' } },
  ],
  ['nobody', withPayload({ authenticationInfo: null }), { actor: { type: 'User', name: 'unknown' } }],
  ['a region', { ...entry, resource: { labels: { region: 'europe-west1' } } }, { account: '', region: 'europe-west1' }],
  ['a time that is none', { ...entry, timestamp: 'yesterday' }, { time: '' }],
  ['a request that is text', withPayload({ request: 'x' }), { request: {} }],
])('%s', (_, record, read) => {
  expect(parseRecord(record)).toMatchObject(read)
})

test.each(['serviceName', 'methodName'])('an entry without %s is none', (field) => {
  expect(() => parseRecord(withPayload({ [field]: '' }))).toThrow(expect.objectContaining({ code: 'ERR_EVENT_FIELD' }))
})

test('throws nothing but its own error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (resource, proto) => {
      // fast-check's JSON is ours under another name.
      const record = { resource, protoPayload: proto } as Json
      expect(isClean(() => parseRecord(record), EventError)).toBe(true)
    }),
    { numRuns: 200 },
  )
})
