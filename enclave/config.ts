import * as v from 'valibot'
import { parse } from 'yaml'

/** The measured configuration: part of the image, so that PCR0 speaks for it. Times are in seconds. */
export type Config = v.InferOutput<typeof schema>
export type SinkConfig = Config['sinks'][number]

export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG'
}

const MAX_BYTES = 1 << 20
const MAX_STATES = 1000
const MAX_SINKS = 16

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))
const name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a-z, 0-9 and "-", at most 63'))
const secs = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
const httpsUrl = v.pipe(
  v.string(),
  v.url(),
  v.check((url) => new URL(url).protocol === 'https:', 'expected an https:// address'),
)

const state = v.strictObject({
  name,
  bucket: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of an S3 bucket')),
  key: text,
  /** Who may change what this state owns by running Terraform: globs over the role's or user's ARN. */
  terraform_principals: v.optional(v.array(text), []),
})

const outcomes = v.optional(v.array(v.picklist(['drift', 'resolved', 'unmanaged', 'unmapped', 'rejected'])), [
  'drift',
  'resolved',
  'unmanaged',
])
const format = v.optional(v.picklist(['finding', 'drift-log']), 'finding')

const sink = v.variant('type', [
  v.strictObject({ type: v.literal('console'), name, outcomes }),
  v.strictObject({ type: v.literal('ndjson'), name, outcomes, format }),
  v.strictObject({ type: v.literal('webhook'), name, outcomes, format, url: httpsUrl, secret: text }),
])

const schema = v.strictObject({
  /** Bound into every sealed object and every encryption context: a staging object is foreign in production. */
  environment: name,
  region: v.pipe(v.string(), v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected an AWS region')),
  kms_key: v.pipe(v.string(), v.regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "expected a key's ARN")),
  dek_secret: text,
  queue: httpsUrl,
  states: v.pipe(v.array(state), v.minLength(1), v.maxLength(MAX_STATES)),
  /** Time to judge, seal and store what was received at once; what is not done by then is delivered again. */
  queue_visibility_secs: v.optional(secs(1, 43_200), 60),
  state_refresh_interval_secs: v.optional(secs(1, 86_400), 60),
  /** How long a change made by Terraform may wait for its state to be written. SQS hides a message for 12 h at most. */
  terraform_hold_secs: v.optional(secs(1, 43_200), 1800),
  sinks: v.optional(v.pipe(v.array(sink), v.maxLength(MAX_SINKS)), []),
})

/** Reads the configuration, or says which key is wrong. */
export function parseConfig(bytes: Uint8Array): Config {
  if (bytes.length > MAX_BYTES) throw new ConfigError(`configuration over ${MAX_BYTES} bytes`)
  let raw: unknown
  try {
    raw = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new ConfigError(`configuration is not YAML: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
  const result = v.safeParse(schema, raw)
  if (!result.success) {
    const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
    throw new ConfigError(`configuration refused:\n  ${lines.join('\n  ')}`)
  }
  const names = [...result.output.states, ...result.output.sinks].map((entry) => entry.name)
  const twice = names.find((entry, index) => names.indexOf(entry) !== index)
  if (twice !== undefined) throw new ConfigError(`configuration refused: the name "${twice}" is used twice`)
  return result.output
}

/** The only hosts that the enclave opens a connection to. */
export function allowedHosts(config: Config): ReadonlySet<string> {
  const aws = (service: string) => `${service}.${config.region}.amazonaws.com`
  return new Set([
    aws('kms'),
    aws('secretsmanager'),
    new URL(config.queue).host,
    ...config.states.map((entry) => `${entry.bucket}.${aws('s3')}`),
    ...config.sinks.flatMap((entry) => (entry.type === 'webhook' ? [new URL(entry.url).host] : [])),
  ])
}
