import type { Json, JsonObject } from './json.ts'

export type Cloud = 'aws' | 'gcp'

/** Whose credentials a role was assumed with. */
export type Assumer = Pick<Actor, 'type' | 'name' | 'arn' | 'sourceIp' | 'mfa' | 'identityProvider' | 'subject'>

/** Who made a call, as far as the audit record tells. Everything but `type` may be missing. */
export interface Actor {
  /** CloudTrail's userIdentity.type: IAMUser, AssumedRole, Root, AWSService, … */
  readonly type: string
  /** What a person would call the actor: user name, session name or service. */
  readonly name: string
  readonly arn?: string
  readonly account?: string
  /** The assumed role's ARN and the name of its session. */
  readonly role?: string
  readonly session?: string
  readonly sourceIdentity?: string
  /** The permission set of IAM Identity Center that the role stands for. */
  readonly permissionSet?: string
  /** Who vouched for the identity, SAML or OIDC, and what it is called there. */
  readonly identityProvider?: string
  readonly subject?: string
  /** Of the credentials that were used: the public half, which names them where they have to be revoked. */
  readonly accessKey?: string
  /** Who assumed the role, and so on backwards, as far as the trail showed it. */
  readonly assumedBy?: readonly Assumer[]
  readonly mfa?: boolean
  readonly console: boolean
  readonly invokedBy?: string
  readonly sourceIp?: string
  readonly userAgent?: string
}

/** One audit record after parsing; nothing behind this type checks its shape again. What a record lacks is empty text. */
export interface CloudEvent {
  readonly cloud: Cloud
  readonly id: string
  /** RFC 3339, UTC. */
  readonly time: string
  /** The service that was called, such as `ecr.amazonaws.com`. */
  readonly source: string
  readonly name: string
  readonly account: string
  readonly region: string
  /** AwsApiCall, AwsServiceEvent, AwsConsoleAction, … */
  readonly type: string
  readonly readOnly: boolean
  readonly errorCode?: string
  readonly actor: Actor
  readonly request: JsonObject
  readonly response: JsonObject
  /** Of a call that names a list of resources: the one that is meant. */
  readonly element?: Json
  /** The record as it came, for rules that look at fields nobody modelled. */
  readonly record: Json
}
