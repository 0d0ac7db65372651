import * as v from 'valibot'
import type { Alarm } from './alarm.ts'
import type { Actor } from './event.ts'
import type { Excuse, ResourceRef } from './finding.ts'
import { matchesGlob } from './glob.ts'

const MAX_REASON = 1024
/** A day, which ends with it in UTC, or a moment. */
const EXPIRY = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_REASON))

/** One suppression in the configuration. Who answers for it, why and until when are not optional. */
export const suppressionSchema = v.strictObject({
  name: text,
  owner: text,
  reason: text,
  expires: v.pipe(
    v.string(),
    v.check(
      (time) => EXPIRY.test(time) && !Number.isNaN(expiryOf(time)),
      'expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ',
    ),
  ),
  match: v.pipe(
    v.strictObject({
      type: v.optional(text),
      id: v.optional(text),
      address: v.optional(text),
      state: v.optional(text),
      account: v.optional(text),
      attribute: v.optional(text),
      principal: v.optional(text),
    }),
    v.check(
      ({ type, id, address, state, attribute }) =>
        [type, id, address, state, attribute].some((one) => one !== undefined),
      'would suppress everything: name a type, id, address, state or attribute',
    ),
  ),
})

/** Known drift that somebody has taken on himself for a time. All that `match` gives must match, globs allowed. */
export type Suppression = v.InferOutput<typeof suppressionSchema>

/** What may be suppressed. */
export interface Subject {
  readonly resource: ResourceRef
  readonly account: string
  readonly actor: Actor
}

/** The suppression in force for a change, or with a null path for the resource as a whole. */
export function suppressionOf(
  subject: Subject,
  path: string | null,
  suppressions: readonly Suppression[],
  now: number,
): Excuse | undefined {
  const found = suppressions.find((one) => now < expiryOf(one.expires) && covers(one, subject, path))
  if (found === undefined) return undefined
  const { name, reason, owner, expires } = found
  return { by: 'suppression', name, reason, owner, expires }
}

/** What a suppression leaves out may be anything. */
const is = (glob: string | undefined, value: string | null): boolean =>
  glob === undefined || (value !== null && matchesGlob(glob, value))

function covers({ match }: Suppression, { resource, account, actor }: Subject, path: string | null): boolean {
  const { principal } = match
  return (
    is(match.type, resource.type) &&
    is(match.id, resource.id) &&
    is(match.address, resource.address) &&
    is(match.state, resource.state) &&
    is(match.account, account) &&
    is(match.attribute, path) &&
    (principal === undefined || is(principal, actor.role ?? null) || is(principal, actor.arn ?? null))
  )
}

/** What has run out speaks up: an alarm for each, which the ledger keeps from being raised twice. */
export const expiredSuppressions = (suppressions: readonly Suppression[], now: number): readonly Alarm[] =>
  suppressions
    .filter(({ expires }) => now >= expiryOf(expires))
    .map(({ name, owner, expires }) => ({
      code: 'SuppressionExpired',
      id: `${name}-${expires}`,
      reason: `suppression ${name} of ${owner} ended on ${expires}: what it kept quiet alerts again; take it out, or have ${owner} renew it`,
    }))

function expiryOf(expires: string): number {
  const day = 86_400_000
  return expires.includes('T') ? Date.parse(expires) : Date.parse(`${expires}T00:00:00Z`) + day
}
