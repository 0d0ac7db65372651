import type { Target } from './catalog.ts'
import type { Comparison, Digest } from './compare.ts'
import type { Drifts, OpenDrift } from './drifts.ts'
import type { CloudEvent } from './event.ts'
import type { Allowances } from './excuse.ts'
import type { Owned, StateIndex } from './state_index.ts'
import type { Subject } from './suppressions.ts'
import type { Moment } from './touches.ts'
import type { Principals, Run } from './terraform.ts'

/** What a judgement rests on besides the event. */
export interface Ground extends Allowances {
  readonly states: StateIndex
  readonly drifts: Drifts
  readonly principals: Principals
  readonly digest: Digest
  /** How long a change of Terraform's may wait for its state. */
  readonly holdMs: number
  /** When this process began to judge, in ms. What an earlier one was holding comes anew. */
  readonly began: number
}

/** One event's effect on one resource, compared. */
export interface Call {
  readonly event: CloudEvent
  readonly target: Target
  /** Whom and what its findings are about. */
  readonly subject: Subject & { readonly region: string }
  readonly run: Run
  readonly comparison: Comparison
  /** When it is judged, in ms. */
  readonly now: number
}

/** A call on a resource that a state owns. */
export interface Case {
  readonly call: Call
  readonly owned: Owned
  readonly moment: Moment
  readonly open: readonly OpenDrift[]
  readonly ground: Ground
}
