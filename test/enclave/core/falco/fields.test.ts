import { describe, expect, test } from 'vitest'
import { scalars } from '../../../../enclave/core/falco/operand.ts'
import { views } from '../../../../enclave/core/falco/fields.ts'
import { resolveField, SOURCES } from '../../../../enclave/core/falco/sources.ts'
import { plainText } from '../../../../enclave/core/falco/source.ts'
import type { Json } from '../../../../enclave/core/json.ts'
import { subject } from './subject.ts'

function read(source: string, field: string, record: Json) {
  const [, name = '', arg] = /^([^[]+)(?:\[(.*)\])?$/.exec(field) ?? []
  const found = SOURCES.get(source)
  if (found === undefined) throw new Error(`no source ${source}`)
  const at = { text: plainText(field), offset: 0 }
  const ref = { kind: 'field', name, at } as const
  const value = resolveField(found, arg === undefined ? ref : { ...ref, arg }).read(views(subject({}, record))[0], arg)
  return typeof value === 'object' ? scalars(value) : value
}

const identity = (userIdentity: Json): Json => ({ userIdentity })
const role = {
  type: 'AssumedRole',
  arn: 'arn:aws:sts::111122223333:assumed-role/admin/alice',
  principalId: 'AROAEXAMPLE:bob',
  sessionContext: { sessionIssuer: { userName: 'admin' } },
}

describe('cloudtrail', () => {
  test.each<readonly [field: string, record: Json, value: unknown]>([
    ['ct.name', { eventName: 'PutObject' }, 'PutObject'],
    ['ct.error', { errorCode: null }, undefined],
    ['ct.error', {}, undefined],
    ['ct.shortsrc', { eventSource: 'ecr.amazonaws.com' }, 'ecr'],
    ['ct.shortsrc', { eventSource: 'partner' }, 'partner'],
    ['ct.request', { requestParameters: { a: [1, { b: null }] } }, '{"a":[1,{"b":null}]}'],
    ['ct.response', { responseElements: null }, undefined],
    ['ct.request.documentname', { requestParameters: { documentName: 'd' } }, 'd'],
    ['ct.request.name', { requestParameters: { name: 7 } }, '7'],
    // who
    ['ct.user', identity({ type: 'IAMUser', userName: 'alice' }), 'alice'],
    ['ct.user', identity({ type: 'AWSService', invokedBy: 'config.amazonaws.com' }), 'config.amazonaws.com'],
    ['ct.user', identity(role), 'admin'],
    ['ct.user', identity({ type: 'AssumedRole' }), 'AssumedRole'],
    ['ct.user', identity({ type: 'AWSAccount' }), 'AWSAccount'],
    ['ct.user', identity({ type: 'SAMLUser', userName: 'alice@example.com' }), 'alice@example.com'],
    ['ct.user', identity({ type: 'IdentityCenterUser', onBehalfOf: { userId: 'u-1' } }), 'u-1'],
    ['ct.user', {}, undefined],
    ['ct.originaluser', identity(role), 'alice'],
    ['ct.originaluser', identity({ ...role, arn: null }), 'bob'],
    ['ct.originaluser', identity({ type: 'IAMUser', userName: 'alice' }), 'alice'],
    ['ct.user.accountid', { recipientAccountId: '111122223333' }, '111122223333'],
    // flags as CloudTrail writes them
    ['ct.readonly', {}, 'false'],
    ['ct.managementevent', { managementEvent: true }, 'true'],
    ['ct.sessioncredentialfromconsole', { sessionCredentialFromConsole: 'true' }, 'true'],
    ['ct.resources', { resources: [{ ARN: 'a' }, { ARN: 'b' }] }, '{"ARN":"a"},{"ARN":"b"}'],
    ['ct.resources', { resources: [] }, undefined],
    // S3
    ['s3.uri', { requestParameters: { bucketName: 'b', key: 'k/x' } }, 's3://b/k/x'],
    ['s3.uri', { requestParameters: { bucketName: 'b' } }, undefined],
    ['s3.bytes', { additionalEventData: { bytesTransferredIn: 2, bytesTransferredOut: 33.0 } }, 35n],
    ['s3.bytes', {}, undefined],
    ['s3.bytes.in', { additionalEventData: { bytesTransferredIn: '2' } }, undefined],
    ['s3.cnt.get', { eventName: 'GetObject' }, 1n],
    ['s3.cnt.get', { eventName: 'PutObject' }, 0n],
    ['s3.cnt.other', { eventName: 'ListBuckets' }, 1n],
    // EC2
    ['ec2.imageids', { requestParameters: { imageId: 'ami-1' } }, ['ami-1']],
    ['ec2.imageid', { requestParameters: { launchSpecification: { imageId: 'ami-2' } } }, 'ami-2'],
    ['ec2.imageids[1]', { requestParameters: { imageId: 'ami-1' } }, undefined],
    [
      'ec2.name',
      {
        requestParameters: {
          tagSpecificationSet: { items: [{ resourceType: 'instance', tags: [{ key: 'Name', value: 'web' }] }] },
        },
      },
      'web',
    ],
    [
      'ct.info',
      {
        ...(identity({ type: 'IAMUser', userName: 'alice' }) as object),
        sourceIPAddress: '192.0.2.1',
        eventName: 'PutObject',
        errorCode: 'X',
        requestParameters: { bucketName: 'b' },
      },
      'alice via 192.0.2.1 !→ PutObject Bucket=b',
    ],
    [
      'ct.info',
      {
        ...(identity({ type: 'AWSService', invokedBy: 's' }) as object),
        sourceIPAddress: 's',
        eventName: 'PutBucketPublicAccessBlock',
        requestParameters: { PublicAccessBlockConfiguration: { BlockPublicAcls: true } },
      },
      's → PutBucketPublicAccessBlock BlockPublicAcls=true BlockPublicPolicy=false IgnorePublicAcls=false RestrictPublicBuckets=false',
    ],
    ['ct.info', {}, undefined],
    // any place of the record
    ['json.value[/a/0/b~1c]', { a: [{ 'b/c': 'x' }] }, 'x'],
    ['json.value[/a]', { a: { b: true } }, '{"b":true}'],
    ['json.value[/a/length]', { a: [1] }, undefined],
    ['json.value[/constructor]', {}, undefined],
    ['json.value[a]', { a: 1 }, undefined],
    ['json.value[]', { a: 1 }, '{"a":1}'],
    ['jevt.value[/a]', { a: false }, 'false'],
    ['json.obj', { a: 1 }, '{\n  "a": 1\n}'],
    ['evt.source', {}, 'aws_cloudtrail'],
    ['evt.pluginname', {}, 'cloudtrail'],
  ])('%s of %j', (field, record, value) => {
    expect(read('aws_cloudtrail', field, record)).toEqual(value)
  })
})

describe('gcpaudit', () => {
  test.each<readonly [field: string, entry: Json, value: unknown]>([
    ['gcp.methodName', { protoPayload: { methodName: 'storage.setIamPermissions' } }, 'storage.setIamPermissions'],
    ['gcp.request', { protoPayload: { request: { name: 'x' } } }, '{"name":"x"}'],
    ['gcp.authorizationInfo', { protoPayload: { authorizationInfo: [{ granted: true }] } }, '[{"granted":true}]'],
    [
      'gcp.policyDelta',
      {
        resource: { type: 'gcs_bucket' },
        protoPayload: { serviceData: { policyDelta: { bindingDeltas: [{ action: 'ADD' }] } } },
      },
      '[{"action":"ADD"}]',
    ],
    ['gcp.policyDelta', { protoPayload: { metadata: { datasetChange: { bindingDeltas: [] } } } }, '[]'],
    ['gcp.location', { resource: { labels: { location: 'eu' } } }, 'eu'],
    ['gcp.location', { resource: { labels: { zone: 'europe-west1-b' } } }, 'europe-west1'],
    ['gcp.logging.sink', { resource: { type: 'logging_sink', labels: { name: 's' } } }, 's'],
    ['gcp.logging.sink', { resource: { type: 'project', labels: { name: 's' } } }, undefined],
    ['gcp.resourceLabels', { resource: { labels: { a: 'b' } } }, '{"a":"b"}'],
  ])('%s of %j', (field, entry, value) => {
    expect(read('gcp_auditlog', field, entry)).toEqual(value)
  })
})

test('no field fails on a record of another shape', () => {
  const shapes: readonly Json[] = [null, 'text', 7, [], {}, { userIdentity: [], requestParameters: 'x', resources: {} }]
  for (const source of SOURCES.values())
    for (const field of source.fields)
      for (const record of shapes) expect(() => field.read(views(subject({}, record))[0], '0')).not.toThrow()
})
