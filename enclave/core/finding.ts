import type { Actor, Cloud } from './event.ts'
import type { Json } from './json.ts'

/**
 * Every event ends in exactly one of these for each resource that it touches. `tamper` alone is of no event: the
 * detector's alarm about itself.
 */
export type OutcomeName =
  'ignored' | 'expected' | 'drift' | 'resolved' | 'unmanaged' | 'unmapped' | 'rejected' | 'tamper'
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

export interface MatchedRule {
  readonly name: string
  readonly severity: Severity
  readonly message: string
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
  readonly delta: { readonly [path: string]: { readonly added: readonly Json[]; readonly removed: readonly Json[] } }
  readonly actor: Actor
  readonly severity: Severity
  readonly rules: readonly MatchedRule[]
  readonly reason: string
  /** On `resolved`: the event whose drift this one puts right. */
  readonly resolves?: string
}
