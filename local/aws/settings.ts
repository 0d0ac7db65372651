import * as v from 'valibot'

/** What the local AWS is to hold. */
export type Settings = v.InferOutput<typeof schema>

export class SettingsError extends Error {
  readonly code = 'ERR_SETTINGS'
}

const name = v.pipe(v.string(), v.regex(/^[\w-]{1,63}$/))
const bucket = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'expected a bucket without dots'))
const pcr0 = v.pipe(v.string(), v.regex(/^[0-9a-f]{96}$/, 'expected a PCR0 in lower-case hex'))
const host = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'expected a host name with a dot'),
)
const text = v.pipe(v.string(), v.minLength(1))

const schema = v.strictObject({
  region: v.pipe(v.string(), v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected an AWS region')),
  account: v.pipe(v.string(), v.regex(/^\d{12}$/)),
  /** The `environment` of every encryption context. */
  environment: name,
  /** A folder of the caller's: the CA, server certificates and the webhook's key are written there. */
  dir: text,
  /** The KMS key's id. The caller chooses it, since the key's ARN is measured before PCR0, and with it the policy, is known. */
  keyId: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'expected a UUID in lower case')),
  /** The file with the DER of the root that the software NSM's documents chain to. */
  nsmRoot: text,
  /** For whose enclaves KMS decrypts. */
  allowedPcr0: v.tupleWithRest([pcr0], pcr0),
  /** The names that IAM Roles Anywhere knows. The caller chooses them, since they are measured too. */
  identity: v.strictObject({ trustAnchor: text, profile: text, role: text }),
  /** The longest session that the profile allows. */
  sessionSecs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 3600),
  /** What may be done with which access key, and what under the role. */
  accessKeys: v.record(v.string(), v.array(text)),
  roleActions: v.array(text),
  queues: v.array(name),
  buckets: v.array(bucket),
  /** Further hosts, such as a webhook's receiver, that get a certificate of the same CA. */
  servers: v.optional(v.array(host), []),
})

/** Reads settings from JSON, or says which of them is wrong. */
export function parseSettings(json: string): Settings {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch {
    throw new SettingsError('the settings are not JSON')
  }
  const result = v.safeParse(schema, raw)
  if (result.success) return result.output
  const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
  throw new SettingsError(`settings refused: ${lines.join('; ')}`)
}
