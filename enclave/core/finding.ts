import type { Actor, Cloud } from './event.ts'
import type { Json } from './json.ts'

/**
 * Every event ends in exactly one of these for each resource that it touches. `tamper` alone is of no event: the
 * detector's alarm about itself.
 */
export type OutcomeName =
  'ignored' | 'expected' | 'suppressed' | 'drift' | 'resolved' | 'unmanaged' | 'unmapped' | 'rejected' | 'tamper'
export type Kind = 'changed' | 'created' | 'deleted'
export type Verdict = 'confirmed' | 'suspected'
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info'

export interface ResourceRef {
  readonly type: string
  readonly id: string
  /** Terraform's full address, where a state knows the resource. */
  readonly address: string | null
  /** The name of that state. */
  readonly state: string | null
}

/** What a rule has people and sinks do. */
export interface Advice {
  readonly actions?: readonly Action[]
  readonly remediation?: readonly string[]
  readonly runbook?: string
  /** Sections of CIS's benchmarks, MITRE ATT&CK ids, links. */
  readonly references?: { readonly [kind in 'cis' | 'mitre' | 'urls']?: readonly string[] }
}

export type Action =
  | { readonly type: 'alert'; readonly channels?: readonly string[] }
  | { readonly type: 'create_ticket'; readonly system?: string }
  | { readonly type: 'audit_log' }

export interface MatchedRule extends Advice {
  /** Native rules have one. */
  readonly id?: string
  readonly name: string
  readonly severity: Severity
  readonly message: string
}

/** On whose word something is not alerted. */
export interface Excuse {
  readonly by: 'writer' | 'suppression' | 'driftignore' | 'flapping'
  /** The writer, the suppression, the line of the file, or the event that reported the flapping. */
  readonly name: string
  readonly reason: string
  readonly owner?: string
  readonly expires?: string
}

/** A change that is not alerted. */
export interface Withheld extends Excuse {
  /** Null for the resource itself: that it is there, or that it is gone. */
  readonly path: string | null
  readonly change: readonly [old: Json, now: Json] | null
}

/** The contract of `replay --json` and of every sink: see docs/findings.md before changing it. */
export interface Finding {
  readonly version: 1
  readonly outcome: OutcomeName
  readonly kind: Kind | null
  readonly verdict: Verdict | null
  readonly cloud: Cloud
  readonly account: string
  readonly region: string
  /** The service's short name: `ecr`. */
  readonly service: string
  readonly source: string
  readonly event: string
  readonly eventId: string
  readonly time: string
  readonly resource: ResourceRef | null
  readonly changes: { readonly [path: string]: readonly [old: Json, now: Json] }
  /** The attributes whose new value no record tells for certain, withheld ones too. */
  readonly suspected?: readonly string[]
  readonly delta: { readonly [path: string]: { readonly added: readonly Json[]; readonly removed: readonly Json[] } }
  readonly actor: Actor
  readonly severity: Severity
  readonly rules: readonly MatchedRule[]
  /** Rules with a threshold whose conditions held, and what each counts apart. */
  readonly counted?: readonly { readonly rule: string; readonly per: 'actor' | 'resource' | 'account' }[]
  readonly reason: string
  /** On `resolved`: the event whose drift this one puts right. */
  readonly resolves?: string
  /** On a deletion: the events whose drifts went with the resource. */
  readonly supersedes?: readonly string[]
  /** What else the call changed, and why that is not alerted. */
  readonly withheld?: readonly Withheld[]
  /** Paths that come and go: how often since when. They are told again when they rest, or take a value that is new. */
  readonly flapping?: { readonly [path: string]: { readonly transitions: number; readonly since: string } }
  /** What Terraform made from this resource: how much, and the first few addresses. */
  readonly dependents?: { readonly count: number; readonly addresses: readonly string[] }
  /** On an unmanaged resource that was made: a block that brings it under Terraform. */
  readonly import?: string
  /** The same for the copies of one call in the trails of several accounts. */
  readonly sharedEventId?: string
}

/** A finding that is still being written. To set its members costs less than to copy them into the next object. */
export type Draft = { -readonly [Name in keyof Finding]: Finding[Name] }

/** Whether the record does not show what an attribute of the finding changed to. */
export const isUnseen = ({ changes, suspected }: Pick<Finding, 'changes' | 'suspected'>, path: string): boolean =>
  suspected?.includes(path) === true && changes[path]?.[1] === null
