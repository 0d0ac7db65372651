import { dropOldest } from './bounded.ts'
import type { Actor, Assumer, CloudEvent } from './event.ts'
import { isObject, type Json, defined } from './json.ts'

/** Sessions last twelve hours at most. Beyond these the oldest goes, and with it only the name of who began it. */
const MAX_SESSIONS = 50_000
/** A chain of roles that is longer has been made to be. */
const MAX_HOPS = 3
const MAX_KEY = 128

/** The calls of STS that answer with credentials of another identity, or of the same one in a new session. */
const ASSUMING: ReadonlySet<string> = new Set([
  'AssumeRole',
  'AssumeRoleWithSAML',
  'AssumeRoleWithWebIdentity',
  'AssumeRoot',
  'GetFederationToken',
  'GetSessionToken',
])

/** Who began which session: CloudTrail tells that once, when the role is assumed. */
export interface Sessions {
  /** Takes note of an event that gives out credentials; any other is nothing to it. */
  record(event: CloudEvent): void
  /** The actor with those behind him. */
  complete(actor: Actor): Actor
}

export function createSessions(): Sessions {
  /** By access key, who got it and with which. */
  const begun = new Map<string, { readonly by: Assumer; readonly with: string | undefined }>()
  return {
    record(event) {
      const { source, name, response, errorCode } = event
      if (source !== 'sts.amazonaws.com' || errorCode !== undefined || !ASSUMING.has(name)) return
      const key = keyIn(response['credentials'])
      if (key === undefined) return
      const { actor } = event
      begun.delete(key)
      begun.set(key, { by: assumerOf(actor), with: actor.accessKey })
      dropOldest(begun, MAX_SESSIONS)
    },
    complete(actor) {
      const assumedBy: Assumer[] = []
      for (let key = actor.accessKey; key !== undefined && assumedBy.length < MAX_HOPS;) {
        const session = begun.get(key)
        if (session === undefined) break
        assumedBy.push(session.by)
        key = session.with
      }
      return assumedBy.length === 0 ? actor : { ...actor, assumedBy }
    },
  }
}

function keyIn(credentials: Json | undefined): string | undefined {
  const key = isObject(credentials) ? credentials['accessKeyId'] : undefined
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY ? key : undefined
}

const assumerOf = ({ type, name, arn, sourceIp, mfa, identityProvider, subject }: Actor): Assumer =>
  defined<Assumer>({ type, name, arn, sourceIp, mfa, identityProvider, subject })
