import type { IncomingMessage } from 'node:http'
import type { Access } from './access.ts'
import { hostOf, type ServiceName } from './hosts.ts'
import { AwsError } from './protocol.ts'

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/

/**
 * Why a request is refused, if it is: no credentials signed it, or for something else, or they may not do this. The
 * signature itself is not checked: nothing here has the secret that made it. What a session's holder has to show
 * instead is its token.
 */
export function refusalOf(
  service: ServiceName,
  region: string,
  request: IncomingMessage,
  access: Access,
): AwsError | undefined {
  if (service === 'rolesanywhere') return undefined // its requests are signed otherwise, and it checks them itself
  const name = names[service === 's3' ? 's3' : 'json']
  const [, accessKeyId = '', scopeRegion, scopeService] = AUTHORIZATION.exec(request.headers.authorization ?? '') ?? []
  if (accessKeyId === '') return new AwsError(name.unsigned, 'the request is not signed (SigV4)', name.status)
  if (scopeRegion !== region || scopeService !== service)
    return new AwsError(name.scope, `credential should be scoped to ${region}/${service}`, name.status)
  const action = actionOf(service, region, request)
  const answer = access(accessKeyId, request.headers['x-amz-security-token'], action)
  if (answer === 'allowed') return undefined
  return new AwsError(name[answer], `${accessKeyId} may not ${action}: ${answer}`, name.status)
}

/** What each kind of service calls the same refusals. */
const names = {
  s3: {
    unsigned: 'AccessDenied',
    scope: 'AccessDenied',
    unknown: 'InvalidAccessKeyId',
    expired: 'ExpiredToken',
    denied: 'AccessDenied',
    status: 403,
  },
  json: {
    unsigned: 'MissingAuthenticationTokenException',
    scope: 'InvalidSignatureException',
    unknown: 'UnrecognizedClientException',
    expired: 'ExpiredTokenException',
    denied: 'AccessDeniedException',
    status: 400,
  },
} as const

/** The IAM action that a request needs. A batch needs what each of its entries would. */
function actionOf(service: ServiceName, region: string, request: IncomingMessage): string {
  if (service === 's3') return `s3:${s3Action(region, request)}`
  const target = String(request.headers['x-amz-target'])
  return `${service === 'monitoring' ? 'cloudwatch' : service}:${target.slice(target.indexOf('.') + 1).replace(/Batch$/, '')}`
}

function s3Action(region: string, { method = '', url = '/', headers: { host } }: IncomingMessage): string {
  const segments = new URL(url, 'https://s3').pathname.split('/').filter((segment) => segment !== '')
  // On S3's own host the bucket is the path's first part.
  const object = segments.length > (host === hostOf('s3', region) ? 1 : 0)
  const verb = method === 'HEAD' ? 'Get' : `${method.slice(0, 1)}${method.slice(1).toLowerCase()}`
  if (object) return `${verb}Object`
  return verb === 'Get' ? 'ListBucket' : `${verb}Bucket`
}
