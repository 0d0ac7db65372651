import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import type { Log } from './log.ts'
import { Refusal } from './refusal.ts'

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(8192))
/** The container credentials format: what an AWS SDK reads, and what the endpoint sends (with more that we drop). */
const container = v.object({
  AccessKeyId: text,
  SecretAccessKey: text,
  Token: text,
  Expiration: v.pipe(
    text,
    v.check((time) => !Number.isNaN(Date.parse(time))),
  ),
})

type Credentials = v.InferOutput<typeof container>
export type CredentialSource = () => Promise<Credentials>

/** New ones are asked for while the old still hold this long: enough for an endpoint to be away and come back. */
const REFRESH_MARGIN_MS = 5 * 60_000
const ENDPOINT_TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 16 << 10
const FIXED_LIFETIME_MS = 60 * 60_000
/** Without TLS the authorization token goes only where no network is between: ECS, EKS Pod Identity, this machine. */
const PLAIN_HTTP_HOSTS = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]', '127.0.0.1', '[::1]'])

/** Why the endpoint did not help. Only this is logged: an error's own message may quote a header, which is the token. */
type Failure = 'not-configured' | 'no-token' | 'unreachable' | 'refused' | 'too-large' | 'malformed' | 'expired'

class EndpointError extends Error {
  readonly code: Failure
  constructor(code: Failure) {
    super(`credentials endpoint: ${code}`)
    this.code = code
  }
}

/** The bootstrap role's credentials from the endpoint that AWS_CONTAINER_CREDENTIALS_FULL_URI names, kept until they age. */
export function containerCredentials(
  env: Readonly<Record<string, string | undefined>>,
  now: () => number,
  log: Log,
): CredentialSource {
  let held: Credentials | undefined
  let asking: Promise<Credentials> | undefined
  const remaining = (credentials: Credentials) => Date.parse(credentials.Expiration) - now()

  async function ask(): Promise<Credentials> {
    try {
      const fresh = await askEndpoint(env)
      if (remaining(fresh) <= 0) throw new EndpointError('expired')
      held = fresh
      return fresh
    } catch (error) {
      log('warn', 'credentials-failed', { reason: error instanceof EndpointError ? error.code : 'unreachable' })
      if (held !== undefined && remaining(held) > 0) return held
      throw new Refusal('no-credentials', 'no credentials at present; see the log of the parent')
    } finally {
      asking = undefined
    }
  }

  return async () => {
    if (held !== undefined && remaining(held) > REFRESH_MARGIN_MS) return held
    return (asking ??= ask())
  }
}

async function askEndpoint(env: Readonly<Record<string, string | undefined>>): Promise<Credentials> {
  const url = URL.parse(env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '')
  const plain = url?.protocol === 'http:' && PLAIN_HTTP_HOSTS.has(url.hostname)
  if (url === null || !(plain || url.protocol === 'https:')) throw new EndpointError('not-configured')
  const authorization = await token(env)
  const response = await fetch(url, {
    headers: authorization === undefined ? {} : { authorization },
    redirect: 'error', // the token is for this host
    signal: AbortSignal.timeout(ENDPOINT_TIMEOUT_MS),
  })
  if (response.status !== 200) throw new EndpointError('refused')
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new EndpointError('too-large')
    chunks.push(chunk)
  }
  return parse(Buffer.concat(chunks).toString('utf8'))
}

/** Read anew each time: Kubernetes rotates the file. */
async function token(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']
  if (file === undefined) return env['AWS_CONTAINER_AUTHORIZATION_TOKEN']
  const content = await readFile(file, 'utf8').catch(() => {
    throw new EndpointError('no-token')
  })
  return content.trim()
}

function parse(body: string): Credentials {
  try {
    return v.parse(container, JSON.parse(body))
  } catch {
    throw new EndpointError('malformed')
  }
}

/** The same keys for ever, for a stack without AWS; they only look as if they expired. */
export const fixedCredentials =
  (keys: Omit<Credentials, 'Expiration'>, now: () => number): CredentialSource =>
  async () => ({ ...keys, Expiration: new Date(now() + FIXED_LIFETIME_MS).toISOString() })
