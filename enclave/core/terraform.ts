import type { CloudEvent } from './event.ts'
import { matchesGlob } from './glob.ts'
import type { StateIndex } from './state_index.ts'

/** Terraform saves its state every 20 s during a run: a serial that moved sooner may not hold the change yet. */
const SETTLE_MS = 60_000
/** After a start, when all that an earlier process had hidden for as long as a change may wait is back. */
const BACK_MS = 120_000
/** How far CloudTrail's clock may run ahead of ours. A time beyond that buys no waiting. */
const MAX_SKEW_MS = 300_000

/**
 * Providers name the Terraform that started them, also under Terraform Cloud and CDKTF, and OpenTofu by either name. Pulumi
 * and CloudFormation have states of their own: what they change here is drift.
 */
const USER_AGENT = /\b(?:Terraform|OpenTofu)\/v?\d/

/** Principals, as globs over the role's or user's ARN, that may run Terraform on a state. */
export type Principals = (state: string) => readonly string[]

/** Whose work a call is. The user agent is the caller's own word, so it counts only with the principal. */
export type Run = 'terraform' | 'unapproved' | 'other'

/** Judges a call, and names those of the states whose Terraform it may be. */
export function runOf(
  { actor }: CloudEvent,
  states: readonly string[],
  principals: Principals,
): { readonly run: Run; readonly states: readonly string[] } {
  if (!USER_AGENT.test(actor.userAgent ?? '')) return { run: 'other', states: [] }
  const named = [actor.role, actor.arn].filter((arn) => arn !== undefined)
  const arns = named.length > 0 ? named : [''] // who has no ARN is nobody but anybody
  const allowed = states.filter((state) => principals(state).some((glob) => arns.some((arn) => matchesGlob(glob, arn))))
  return { run: allowed.length > 0 ? 'terraform' : 'unapproved', states: allowed }
}

/** What there is to go by for a change of Terraform's that the state does not show. */
export type Waiting =
  | { readonly kind: 'held'; readonly until: number }
  /** The state was written since, and without the change. */
  | { readonly kind: 'moved' }
  /** No state was written for so long that none will be. */
  | { readonly kind: 'expired' }

interface Patience {
  readonly states: StateIndex
  readonly holdMs: number
  readonly began: number
}

/** Whether a change of Terraform's may still wait for the state that it belongs to. */
export function waiting(
  time: number,
  names: readonly string[],
  { states, holdMs, began }: Patience,
  now: number,
): Waiting {
  const hasMoved = (name: string) => (states.movedAt(name) ?? Number.NEGATIVE_INFINITY) > time + SETTLE_MS
  if (names.every(hasMoved)) return { kind: 'moved' }
  // Of what comes anew the last step of a run may come first, so all of it is judged together.
  const until = Math.max(time, began + BACK_MS) + holdMs
  return now < until && time <= now + MAX_SKEW_MS ? { kind: 'held', until } : { kind: 'expired' }
}
