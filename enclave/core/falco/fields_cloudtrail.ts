import type { Json } from '../json.ts'
import { isObject } from '../json.ts'
import { placed, textOf, valueAt, type Field, type View } from './fields.ts'

/** The fields that are one member of the record, as text. */
const PLACES = {
  'ct.id': '/eventID',
  'ct.error': '/errorCode',
  'ct.errormessage': '/errorMessage',
  'ct.time': '/eventTime',
  'ct.src': '/eventSource',
  'ct.name': '/eventName',
  'ct.user.identitytype': '/userIdentity/type',
  'ct.user.principalid': '/userIdentity/principalId',
  'ct.user.arn': '/userIdentity/arn',
  'ct.region': '/awsRegion',
  'ct.response': '/responseElements',
  'ct.response.subnetid': '/responseElements/subnetId',
  'ct.response.reservationid': '/responseElements/reservationId',
  'ct.request': '/requestParameters',
  'ct.request.availabilityzone': '/requestParameters/availabilityZone',
  'ct.request.cluster': '/requestParameters/cluster',
  'ct.request.functionname': '/requestParameters/functionName',
  'ct.request.groupname': '/requestParameters/groupName',
  'ct.request.host': '/requestParameters/Host',
  'ct.request.name': '/requestParameters/name',
  'ct.request.policy': '/requestParameters/policy',
  'ct.request.reason': '/requestParameters/reason',
  'ct.request.target': '/requestParameters/target',
  'ct.request.documentname': '/requestParameters/documentName',
  'ct.request.serialnumber': '/requestParameters/serialNumber',
  'ct.request.servicename': '/requestParameters/serviceName',
  'ct.request.subnetid': '/requestParameters/subnetId',
  'ct.request.taskdefinition': '/requestParameters/taskDefinition',
  'ct.request.username': '/requestParameters/userName',
  'ct.srcip': '/sourceIPAddress',
  'ct.useragent': '/userAgent',
  'ct.managementevent': '/managementEvent',
  'ct.requestid': '/requestID',
  'ct.eventtype': '/eventType',
  'ct.apiversion': '/apiVersion',
  'ct.recipientaccountid': '/recipientAccountId',
  'ct.serviceeventdetails': '/serviceEventDetails',
  'ct.sharedeventid': '/sharedEventID',
  'ct.vpcendpointid': '/vpcEndpointId',
  'ct.eventcategory': '/eventCategory',
  'ct.addendum.reason': '/addendum/reason',
  'ct.addendum.updatedfields': '/addendum/updatedFields',
  'ct.addendum.originalrequestid': '/addendum/originalRequestID',
  'ct.addendum.originaleventid': '/addendum/originalEventID',
  'ct.sessioncredentialfromconsole': '/sessionCredentialFromConsole',
  'ct.edgedevicedetails': '/edgeDeviceDetails',
  'ct.tlsdetails.tlsversion': '/tlsDetails/tlsVersion',
  'ct.tlsdetails.ciphersuite': '/tlsDetails/cipherSuite',
  'ct.tlsdetails.clientprovidedhostheader': '/tlsDetails/clientProvidedHostHeader',
  'ct.additionaleventdata': '/additionalEventData',
  's3.bucket': '/requestParameters/bucketName',
  's3.key': '/requestParameters/key',
  'ecr.repository': '/requestParameters/repositoryName',
  'ecr.imagetag': '/requestParameters/imageTag',
  'iam.role': '/requestParameters/roleName',
  'iam.policy': '/requestParameters/policyName',
} as const

type Record = Json

const text = (name: string, from: string, read: (record: Record, view: View) => string | undefined): Field => ({
  name,
  type: 'text',
  from,
  read: (view) => read(view.event.record, view),
})
const count = (name: string, from: string, read: (record: Record) => bigint | undefined): Field => ({
  name,
  type: 'number',
  from,
  read: ({ event }) => read(event.record),
})

const at = (record: Record, ...parts: readonly string[]): string | undefined => textOf(valueAt(record, parts))
const listAt = (record: Record, ...parts: readonly string[]): readonly Json[] => {
  const found = valueAt(record, parts)
  return Array.isArray(found) ? found : []
}

/** The plugin `cloudtrail`: what its documentation says, also where its code does otherwise (docs/falco-fields.md). */
export const CLOUDTRAIL: readonly Field[] = [
  ...Object.entries(PLACES).map(([name, pointer]) => placed(name, pointer)),
  text('ct.shortsrc', '`/eventSource` without `.amazonaws.com`', (record) =>
    at(record, 'eventSource')?.replace(/(?<=.)\.amazonaws\.com$/, ''),
  ),
  text('ct.user', 'by `/userIdentity/type`: user name, name of the assumed role, invoking service', userOf),
  text('ct.originaluser', "an assumed role's session name, otherwise `/userIdentity/userName`", originalUserOf),
  text(
    'ct.user.accountid',
    '`/userIdentity/accountId`, otherwise `/recipientAccountId`',
    (record) => at(record, 'userIdentity', 'accountId') ?? at(record, 'recipientAccountId'),
  ),
  text('ct.readonly', "`/readOnly`, otherwise by the call's name", (_, { event }) => String(event.readOnly)),
  text('ct.resources', '`/resources`, each as JSON, with commas between', (record) => {
    const resources = listAt(record, 'resources').map((resource) => JSON.stringify(resource))
    return resources.length === 0 ? undefined : resources.join(',')
  }),
  text('ct.info', 'a summary: user, source, error and direction, name, and what the call is about', infoOf),
  text('s3.uri', '`s3://` with bucket and key', s3Uri),
  count('s3.bytes', 'bytes in and out together', bytesOf),
  count('s3.bytes.in', '`/additionalEventData/bytesTransferredIn`', (record) => bytesAt(record, 'In')),
  count('s3.bytes.out', '`/additionalEventData/bytesTransferredOut`', (record) => bytesAt(record, 'Out')),
  count('s3.cnt.get', '1 for `GetObject`, otherwise 0', (record) => isCall(record, 'GetObject')),
  count('s3.cnt.put', '1 for `PutObject`, otherwise 0', (record) => isCall(record, 'PutObject')),
  count('s3.cnt.other', '0 for these two, otherwise 1', (record) => isCall(record, 'GetObject', 'PutObject') ^ 1n),
  text('ec2.name', 'the tag `Name` that the request gives instances', instanceName),
  text('ec2.imageid', 'the first of `ec2.imageids`', (record) => imagesOf(record)[0]),
  {
    name: 'ec2.imageids',
    type: 'text',
    list: true,
    argument: { kind: 'index', required: false },
    from: '`/responseElements/instancesSet/items[]/imageId`, otherwise the image that the request names',
    read({ event }, index) {
      const images = imagesOf(event.record)
      const chosen = index === undefined ? images : images.slice(Number(index), Number(index) + 1)
      return chosen.length === 0 ? undefined : chosen
    },
  },
]

function userOf(record: Record): string | undefined {
  const type = at(record, 'userIdentity', 'type')
  if (type === 'AWSService') return at(record, 'userIdentity', 'invokedBy')
  if (type === 'AssumedRole')
    return at(record, 'userIdentity', 'sessionContext', 'sessionIssuer', 'userName') ?? 'AssumedRole'
  if (type === 'AWSAccount' || type === 'FederatedUser') return type
  return at(record, 'userIdentity', 'userName') ?? at(record, 'userIdentity', 'onBehalfOf', 'userId')
}

function originalUserOf(record: Record): string | undefined {
  if (at(record, 'userIdentity', 'type') !== 'AssumedRole') return at(record, 'userIdentity', 'userName')
  const arn = at(record, 'userIdentity', 'arn')?.split('/') ?? []
  const principal = at(record, 'userIdentity', 'principalId')?.split(':') ?? []
  return arn.length === 3 ? arn[2] : principal.length === 2 ? principal[1] : undefined
}

function s3Uri(record: Record): string | undefined {
  const [bucket, key] = [at(record, 'requestParameters', 'bucketName'), at(record, 'requestParameters', 'key')]
  return bucket === undefined || key === undefined ? undefined : `s3://${bucket}/${key}`
}

/** CloudTrail writes sizes as `33` and as `33.0`. */
function bytesAt(record: Record, direction: 'In' | 'Out'): bigint | undefined {
  const value = valueAt(record, ['additionalEventData', `bytesTransferred${direction}`])
  return typeof value === 'number' && value >= 0 ? BigInt(Math.trunc(value)) : undefined
}

function bytesOf(record: Record): bigint | undefined {
  const [went, came] = [bytesAt(record, 'In'), bytesAt(record, 'Out')]
  return went === undefined && came === undefined ? undefined : (went ?? 0n) + (came ?? 0n)
}

const isCall = (record: Record, ...names: readonly string[]): bigint =>
  names.includes(at(record, 'eventName') ?? '') ? 1n : 0n

function instanceName(record: Record): string | undefined {
  const tags = listAt(record, 'requestParameters', 'tagSpecificationSet', 'items')
    .filter((item) => at(item, 'resourceType') === 'instance')
    .map((item) => listAt(item, 'tags').find((tag) => at(tag, 'key') === 'Name'))
  return tags.map((tag) => textOf(valueAt(tag, ['value']))).findLast((name) => name !== undefined && name !== '')
}

function imagesOf(record: Record): readonly string[] {
  const items = valueAt(record, ['responseElements', 'instancesSet', 'items'])
  if (Array.isArray(items)) return items.flatMap((item: Json) => at(item, 'imageId') ?? [])
  const named =
    at(record, 'requestParameters', 'imageId') ??
    at(record, 'requestParameters', 'DescribeFastLaunchImagesRequest', 'ImageId', 'content') ??
    at(record, 'requestParameters', 'launchSpecification', 'imageId')
  return named === undefined ? [] : [named]
}

const BLOCKS = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets']

/** Who, from where, whether it failed and whether it writes, what: `alice via 192.0.2.1 !→ PutObject URI=s3://…`. */
function infoOf(record: Record, { event }: View): string | undefined {
  const [user, source, name] = [userOf(record), at(record, 'sourceIPAddress'), at(record, 'eventName')]
  if (user === undefined || source === undefined || name === undefined) return undefined
  const who = user === source ? user : `${user} via ${source}`
  const how = `${at(record, 'errorCode') === undefined ? '' : '!'}${event.readOnly ? '←' : '→'}`
  const block = valueAt(record, ['requestParameters', 'PublicAccessBlockConfiguration'])
  if (name === 'PutBucketPublicAccessBlock' && isObject(block))
    return [who, how + ' ' + name, ...BLOCKS.map((key) => `${key}=${textOf(block[key]) ?? 'false'}`)].join(' ')
  const size = bytesOf(record)
  const about = Object.entries({
    URI: s3Uri(record),
    Bucket: at(record, 'requestParameters', 'bucketName'),
    Key: at(record, 'requestParameters', 'key'),
    Host: at(record, 'requestParameters', 'Host'),
  }).find(([, value]) => value !== undefined)
  return [
    `${who} ${how} ${name}`,
    ...(size === undefined ? [] : [`Size=${size}`]),
    ...(about === undefined ? [] : [`${about[0]}=${about[1]}`]),
  ].join(' ')
}
