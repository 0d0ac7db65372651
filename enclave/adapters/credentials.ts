import * as v from 'valibot'
import type { Clock } from '../ports.ts'
import type { Parent } from './parent.ts'

export class CredentialsError extends Error {
  readonly code = 'ERR_CREDENTIALS'
}

const MAX_ANSWER = 16 << 10
/** However long the parent says they are good for. Else it could have dead ones kept for ever. */
const MAX_AGE_MS = 15 * 60_000

const schema = v.object({
  AccessKeyId: v.pipe(v.string(), v.regex(/^[A-Z0-9]{16,128}$/)),
  SecretAccessKey: v.pipe(v.string(), v.minLength(16), v.maxLength(256)),
  Token: v.optional(v.pipe(v.string(), v.maxLength(8192))),
  Expiration: v.pipe(
    v.string(),
    v.isoTimestamp(),
    v.transform((text) => new Date(text)),
  ),
})

/** The bootstrap role's credentials, as the parent hands them over. The AWS SDK asks again before they expire. */
export const credentialsFrom = (parent: Parent, clock: Clock) => async () => {
  const { status, body } = await parent('GET', '/credentials', { limit: MAX_ANSWER })
  if (status !== 200) throw new CredentialsError(`the parent has no credentials (it answered ${status})`)
  const result = v.safeParse(schema, json(body))
  if (!result.success) throw new CredentialsError('the parent sent credentials that are not in the container format')
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = result.output
  const now = clock.now()
  if (Expiration.getTime() <= now) throw new CredentialsError('the parent sent credentials that have expired')
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(Token === undefined ? {} : { sessionToken: Token }),
    expiration: new Date(Math.min(Expiration.getTime(), now + MAX_AGE_MS)),
  }
}

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
