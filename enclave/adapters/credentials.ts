import * as v from 'valibot'
import type { Parent } from './parent.ts'

export class CredentialsError extends Error {
  readonly code = 'ERR_CREDENTIALS'
}

const MAX_ANSWER = 16 << 10

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
export const credentialsFrom = (parent: Parent) => async () => {
  const { status, body } = await parent('GET', '/credentials', { limit: MAX_ANSWER })
  if (status !== 200) throw new CredentialsError(`the parent has no credentials (it answered ${status})`)
  const result = v.safeParse(schema, json(body))
  if (!result.success) throw new CredentialsError('the parent sent credentials that are not in the container format')
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = result.output
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(Token === undefined ? {} : { sessionToken: Token }),
    expiration: Expiration,
  }
}

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
