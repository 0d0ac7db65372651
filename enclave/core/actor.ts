import type { Actor } from './event.ts'
import { defined, inOnePiece, isObject, type Json, type JsonObject } from './json.ts'

/** Names and ARNs end below 2,048; only a user agent may be longer, and loses its tail. */
const MAX_TEXT = 2048
const ASSUMED_ROLE = /^arn:(aws[\w-]*):sts::(\d*):assumed-role\/([^/]+)\/(.+)$/
/** IAM Identity Center's roles: the permission set, and 16 hex digits. Their session is the person's name there. */
const PERMISSION_SET = /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/
/** Claims that hold an OIDC identity's own name, such as `token.actions.githubusercontent.com:sub`. */
const SUBJECT = /(?:^|:)sub$/
const CONSOLE_AGENT = /\b(?:console|signin)\.amazonaws\.com\b|\bS3Console\//

/** They have no identity in AWS but the one that their provider gave them. */
const FEDERATED: ReadonlySet<string> = new Set(['SAMLUser', 'WebIdentityUser'])

/** Text of an audit record, if it is that. */
export const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? (value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value) : undefined

/** CloudTrail writes booleans as `true` and as `"true"`. */
export const flagOf = (value: Json | undefined): boolean | undefined => {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

/** Reads the caller out of a CloudTrail record. */
export function parseActor(record: JsonObject): Actor {
  const identity = objectOf(record['userIdentity'])
  const context = objectOf(identity['sessionContext'])
  const arn = textOf(identity['arn'])
  const assumed = arn === undefined ? null : ASSUMED_ROLE.exec(arn)
  const type = textOf(identity['type']) ?? (identity['invokedBy'] === undefined ? 'Unknown' : 'AWSService')
  const cut = type === 'AssumedRole' ? (assumed?.[4] ?? tail(textOf(identity['principalId']), ':')) : undefined
  const session = cut === undefined ? undefined : inOnePiece(cut)
  const invokedBy = textOf(identity['invokedBy'])
  const role = type === 'AssumedRole' ? roleOf(objectOf(context['sessionIssuer']), assumed) : undefined
  const federation = objectOf(context['webIdFederationData'])
  const agent = textOf(record['userAgent'])
  const userAgent = agent?.startsWith('[') === true ? agent.replace(/^\[(.*)\]$/s, '$1') : agent // S3 puts it in brackets
  return defined<Actor>({
    type,
    name: nameOf(identity, { type, session, arn, invokedBy }),
    arn,
    account: textOf(identity['accountId']),
    role,
    session,
    sourceIdentity: textOf(context['sourceIdentity']),
    permissionSet: PERMISSION_SET.exec(tail(role, '/') ?? '')?.[1],
    identityProvider: textOf(federation['federatedProvider']) ?? textOf(identity['identityProvider']),
    subject:
      subjectOf(objectOf(federation['attributes'])) ?? (FEDERATED.has(type) ? textOf(identity['userName']) : undefined),
    accessKey: textOf(identity['accessKeyId']),
    mfa: flagOf(objectOf(context['attributes'])['mfaAuthenticated']),
    console: flagOf(record['sessionCredentialFromConsole']) ?? CONSOLE_AGENT.test(userAgent ?? ''),
    invokedBy,
    sourceIp: textOf(record['sourceIPAddress']),
    userAgent,
  })
}

function subjectOf(claims: JsonObject): string | undefined {
  const claim = Object.keys(claims).find((name) => SUBJECT.test(name))
  return claim === undefined ? undefined : textOf(claims[claim])
}

interface Parts {
  readonly type: string
  readonly session: string | undefined
  readonly arn: string | undefined
  readonly invokedBy: string | undefined
}

function nameOf(identity: JsonObject, { type, session, arn, invokedBy }: Parts): string {
  if (type === 'Root') return 'root'
  if (type === 'AWSService') return invokedBy ?? 'AWS'
  const onBehalfOf = textOf(objectOf(identity['onBehalfOf'])['userId'])
  const named = session ?? textOf(identity['userName']) ?? onBehalfOf ?? tail(arn, '/')
  return named ?? textOf(identity['principalId']) ?? textOf(identity['accountId']) ?? 'unknown'
}

function roleOf(issuer: JsonObject, assumed: RegExpExecArray | null): string | undefined {
  const issued = textOf(issuer['arn'])
  // A role's path is lost in the session's ARN, so the issuer's comes first.
  if (issued !== undefined) return issued
  return assumed === null ? undefined : `arn:${assumed[1]}:iam::${assumed[2]}:role/${assumed[3]}`
}

function tail(text: string | undefined, mark: string): string | undefined {
  const at = text?.lastIndexOf(mark) ?? -1
  return text === undefined || at < 0 || at + 1 === text.length ? undefined : text.slice(at + 1)
}
