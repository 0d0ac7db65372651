import * as v from 'valibot'
import { parse } from 'yaml'

export class SettingsError extends Error {
  readonly code = 'ERR_SETTINGS'
}

export type Settings = v.InferOutput<typeof schema>

const MAX_BYTES = 1 << 16
/** Below 4 a CID is the hypervisor's, this machine's or the parent's. */
const MIN_CID = 4

const count = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least))

const schema = v.pipe(
  v.strictObject({
    environment: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]*$/, 'expected a-z, 0-9 and "-"')),
    eif: v.string(),
    cid: count(MIN_CID),
    cpu_count: count(2),
    /** nitro-cli wants four times the image's size. */
    memory_mib: count(64),
    /** Shows the enclave's console. Such an enclave measures to zeros, so KMS gives it nothing and it refuses to go on. */
    debug: v.optional(v.boolean(), false),
    /** Where liveness and metrics are served. */
    port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  }),
  v.check(({ debug, environment }) => !debug || environment !== 'production', 'debug: not in production'),
)

/** Reads the settings, or says which key is wrong. */
export function parseSettings(bytes: Uint8Array): Settings {
  if (bytes.length > MAX_BYTES) throw new SettingsError(`settings over ${MAX_BYTES} bytes`)
  const result = v.safeParse(schema, decode(bytes))
  if (result.success) return result.output
  const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
  throw new SettingsError(`settings refused:\n  ${lines.join('\n  ')}`)
}

function decode(bytes: Uint8Array): unknown {
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { prettyErrors: false, logLevel: 'error' })
  } catch {
    throw new SettingsError('settings are not YAML')
  }
}
