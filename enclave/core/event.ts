import type { Json, JsonObject } from './json.ts'

export type Cloud = 'aws'

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
  /** The record as it came, for rules that look at fields nobody modelled. */
  readonly record: Json
}
