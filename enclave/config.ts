import * as v from 'valibot'
import { parse } from 'yaml'
import { suppressionSchema } from './core/suppressions.ts'
import { writerSchema } from './core/writers.ts'

/** The measured configuration: part of the image, so that PCR0 speaks for it. Times are in seconds. */
export type Config = v.InferOutput<typeof schema>
export type SinkConfig = Config['sinks'][number]

export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG'
}

const MAX_BYTES = 1 << 20
const MAX_STATES = 1000
const MAX_SINKS = 16
const MAX_SUPPRESSIONS = 1000
const MAX_WRITERS = 200
const MAX_DRIFTIGNORE = 65_536
const MAX_ENVIRONMENT = 47

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))
const name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a-z, 0-9 and "-", at most 63'))
const secs = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
const arn = (service: string, resource: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^arn:aws[a-z-]*:${service}:${resource}$`), `expected an ARN of ${service}`))
const httpsUrl = v.pipe(
  v.string(),
  v.url(),
  v.check((url) => URL.parse(url)?.protocol === 'https:', 'expected an https:// address'),
)

const bucket = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of an S3 bucket'))

const state = v.strictObject({
  name,
  bucket,
  key: text,
  /** Who may change what this state owns by running Terraform: globs over the role's or user's ARN. */
  terraform_principals: v.optional(v.array(text), []),
})

const outcomes = v.optional(
  v.array(v.picklist(['drift', 'resolved', 'unmanaged', 'unmapped', 'suppressed', 'rejected', 'tamper'])),
  ['drift', 'resolved', 'unmanaged', 'tamper'],
)
const format = v.optional(v.picklist(['finding', 'drift-log', 'falco']), 'finding')

const sink = v.variant('type', [
  v.strictObject({ type: v.literal('console'), name, outcomes }),
  v.strictObject({ type: v.literal('ndjson'), name, outcomes, format }),
  v.strictObject({ type: v.literal('webhook'), name, outcomes, format, url: httpsUrl, secret: text }),
])

/** Where the ledger is kept besides the parent's store: a bucket whose Object Lock lets nobody take anything back. */
const ledger = v.strictObject({
  bucket,
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^([a-zA-Z0-9._-]+\/){0,8}$/, 'expected a prefix such as "ledger/"')),
    '',
  ),
})

/** Which role AWS lets the enclave take, and the secret with the wrapped key of its CA. */
const identity = v.strictObject({
  secret: text,
  trust_anchor: arn('rolesanywhere', String.raw`[a-z0-9-]+:\d{12}:trust-anchor/[\w-]+`),
  profile: arn('rolesanywhere', String.raw`[a-z0-9-]+:\d{12}:profile/[\w-]+`),
  role: arn('iam', String.raw`:\d{12}:role/[\w+=,.@/-]+`),
})

const schema = v.strictObject({
  /**
   * Bound into every sealed object and every encryption context: a staging object is foreign in production. It also
   * stands in the CN of certificates, which holds 64 characters.
   */
  environment: v.pipe(name, v.maxLength(MAX_ENVIRONMENT)),
  region: v.pipe(v.string(), v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected an AWS region')),
  kms_key: v.pipe(v.string(), v.regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "expected a key's ARN")),
  dek_secret: text,
  dek_rotation_interval_secs: v.optional(secs(1, 86_400), 300),
  /** Without it the enclave runs in host mode: with the credentials that its host has too. */
  identity: v.optional(identity),
  queue: httpsUrl,
  /** Where AWS tells that a state was written. Without it the enclave finds out at its next look. */
  state_queue: v.optional(httpsUrl),
  ledger: v.optional(ledger),
  states: v.pipe(v.array(state), v.minLength(1), v.maxLength(MAX_STATES)),
  /** Time to judge, seal and store what was received at once; what is not done by then is delivered again. */
  queue_visibility_secs: v.optional(secs(1, 43_200), 60),
  state_refresh_interval_secs: v.optional(secs(1, 86_400), 60),
  /** How long a change made by Terraform may wait for its state to be written. SQS hides a message for 12 h at most. */
  terraform_hold_secs: v.optional(secs(1, 43_200), 1800),
  /** Whether all rules that match count, or the first in the order of their files alone: Falco's setting of that name. */
  rule_matching: v.optional(v.picklist(['all', 'first']), 'all'),
  /** Who besides Terraform and the services of rules/writers may change what. */
  writers: v.optional(v.pipe(v.array(writerSchema), v.maxLength(MAX_WRITERS)), []),
  suppressions: v.optional(v.pipe(v.array(suppressionSchema), v.maxLength(MAX_SUPPRESSIONS)), []),
  /** The text of driftctl's ignore file, as it is. */
  driftignore: v.optional(v.pipe(v.string(), v.maxLength(MAX_DRIFTIGNORE)), ''),
  sinks: v.optional(v.pipe(v.array(sink), v.maxLength(MAX_SINKS)), []),
})

/** Reads the configuration, or says which key is wrong. */
export function parseConfig(bytes: Uint8Array): Config {
  if (bytes.length > MAX_BYTES) throw new ConfigError(`configuration over ${MAX_BYTES} bytes`)
  let raw: unknown
  try {
    raw = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { logLevel: 'error' }) // it would warn on stderr
  } catch (error) {
    throw new ConfigError(`configuration is not YAML: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
  const result = v.safeParse(schema, raw)
  if (!result.success) {
    const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
    throw new ConfigError(`configuration refused:\n  ${lines.join('\n  ')}`)
  }
  const { suppressions } = result.output
  const again = suppressions.find(
    ({ name: one }, index) => suppressions.findIndex((other) => other.name === one) !== index,
  )
  if (again !== undefined) throw new ConfigError(`configuration refused: two suppressions are called "${again.name}"`)
  const names = [...result.output.states, ...result.output.sinks].map((entry) => entry.name)
  const twice = names.find((entry, index) => names.indexOf(entry) !== index)
  if (twice !== undefined) throw new ConfigError(`configuration refused: the name "${twice}" is used twice`)
  return result.output
}

/** The only hosts that the enclave opens a connection to. */
export function allowedHosts(config: Config): ReadonlySet<string> {
  const aws = (service: string) => `${service}.${config.region}.amazonaws.com`
  // S3's certificate holds for one label before its own name: of a bucket with dots the SDK speaks to S3's own host.
  const s3 = (entry: { bucket: string }) => (entry.bucket.includes('.') ? aws('s3') : `${entry.bucket}.${aws('s3')}`)
  return new Set([
    aws('kms'),
    aws('secretsmanager'),
    aws('monitoring'),
    ...(config.identity === undefined ? [] : [aws('rolesanywhere')]),
    ...[config.queue, config.state_queue].flatMap((url) => (url === undefined ? [] : [new URL(url).host])),
    ...[...config.states, ...(config.ledger === undefined ? [] : [config.ledger])].map(s3),
    ...config.sinks.flatMap((entry) => (entry.type === 'webhook' ? [new URL(entry.url).host] : [])),
  ])
}
