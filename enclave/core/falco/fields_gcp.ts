import type { Json } from '../json.ts'
import { placed, textOf, valueAt, type Field } from './fields.ts'

/** The fields that are one member of the log entry, as text. */
const PLACES = {
  'gcp.user': '/protoPayload/authenticationInfo/principalEmail',
  'gcp.authenticationInfo.principalEmail': '/protoPayload/authenticationInfo/principalEmail',
  'gcp.callerIP': '/protoPayload/requestMetadata/callerIp',
  'gcp.userAgent': '/protoPayload/requestMetadata/callerSuppliedUserAgent',
  'gcp.authorizationInfo': '/protoPayload/authorizationInfo',
  'gcp.serviceName': '/protoPayload/serviceName',
  'gcp.request': '/protoPayload/request',
  'gcp.methodName': '/protoPayload/methodName',
  'gcp.cloudfunctions.function': '/resource/labels/function_name',
  'gcp.cloudsql.databaseId': '/resource/labels/database_id',
  'gcp.compute.instanceId': '/resource/labels/instance_id',
  'gcp.compute.networkId': '/resource/labels/network_id',
  'gcp.compute.subnetwork': '/resource/labels/subnetwork_name',
  'gcp.compute.subnetworkId': '/resource/labels/subnetwork_id',
  'gcp.dns.zone': '/resource/labels/zone_name',
  'gcp.iam.serviceAccount': '/resource/labels/email_id',
  'gcp.iam.serviceAccountId': '/resource/labels/unique_id',
  'gcp.projectId': '/resource/labels/project_id',
  'gcp.resourceName': '/protoPayload/resourceName',
  'gcp.resource.name': '/protoPayload/resourceName',
  'gcp.resourceType': '/resource/type',
  'gcp.resourceLabels': '/resource/labels',
  'gcp.storage.bucket': '/resource/labels/bucket_name',
  'gcp.time': '/timestamp',
} as const

const computed = (name: string, from: string, read: (entry: Json) => string | undefined): Field => ({
  name,
  type: 'text',
  from,
  read: ({ event }) => read(event.record),
})
const at = (entry: Json, ...parts: readonly string[]): string | undefined => textOf(valueAt(entry, parts))

/** The plugin `gcpaudit`: what its documentation says, also where its code does otherwise (docs/falco-fields.md). */
export const GCPAUDIT: readonly Field[] = [
  ...Object.entries(PLACES).map(([name, pointer]) => placed(name, pointer)),
  computed(
    'gcp.policyDelta',
    'the changed bindings: of a bucket `/protoPayload/serviceData/policyDelta/bindingDeltas`, otherwise `/protoPayload/metadata/datasetChange/bindingDeltas`',
    (entry) =>
      at(entry, 'resource', 'type') === 'gcs_bucket'
        ? at(entry, 'protoPayload', 'serviceData', 'policyDelta', 'bindingDeltas')
        : at(entry, 'protoPayload', 'metadata', 'datasetChange', 'bindingDeltas'),
  ),
  computed(
    'gcp.location',
    '`/resource/labels/location`, otherwise `region`, otherwise `zone` without its last part',
    (entry) =>
      at(entry, 'resource', 'labels', 'location') ??
      at(entry, 'resource', 'labels', 'region') ??
      at(entry, 'resource', 'labels', 'zone')?.replace(/-[^-]*$/, ''),
  ),
  computed('gcp.logging.sink', '`/resource/labels/name` of a `logging_sink`', (entry) =>
    at(entry, 'resource', 'type') === 'logging_sink' ? at(entry, 'resource', 'labels', 'name') : undefined,
  ),
]
