import { request, type Agent } from 'node:https'
import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import type { Clock } from '../ports.ts'
import { signRequest, type RequestSigner } from './request_signature.ts'

export type RolesAnywhereCode = keyof typeof hints

export class RolesAnywhereError extends Error {
  readonly code: RolesAnywhereCode
  constructor(code: RolesAnywhereCode, message: string, cause?: unknown) {
    super(`${message}${hints[code]}`, { cause })
    this.code = code
  }
}

const PATH = '/sessions'
const SESSION_SECS = 3600
const TIMEOUT_MS = 15_000
const MAX_ANSWER = 64 << 10
/** As much of AWS's own words as is worth repeating. */
const MAX_REASON = 200
const CREATED = 201
/** How far AWS's clock may be ahead of ours. */
const SKEW_MS = 300_000

/** Temporary credentials of the enclave's own role. */
export interface Session {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

/** Where to ask, by the names of the measured configuration. */
export interface RoleSettings {
  readonly trust_anchor: string
  readonly profile: string
  readonly role: string
}

const text = (least: number, most: number) => v.pipe(v.string(), v.minLength(least), v.maxLength(most))
/** Members that are not needed may be there: the answer is AWS's to extend. */
const schema = v.object({
  credentialSet: v.strictTuple([
    v.object({
      roleArn: text(1, 2048),
      credentials: v.object({
        accessKeyId: v.pipe(v.string(), v.regex(/^[A-Z0-9]{16,128}$/)),
        secretAccessKey: text(16, 256),
        sessionToken: text(1, 16_384),
        expiration: v.pipe(
          v.string(),
          v.isoTimestamp(),
          v.transform((time) => new Date(time)),
        ),
      }),
    }),
  ]),
})

/** Asks IAM Roles Anywhere for a session, with a certificate made for the occasion. */
export function openRolesAnywhere(world: {
  readonly region: string
  readonly agent: Agent
  readonly settings: RoleSettings
  readonly issue: (now: number) => Promise<RequestSigner>
  readonly clock: Clock
}): () => Promise<Session> {
  const { region, agent, settings, issue, clock } = world
  const host = `rolesanywhere.${region}.amazonaws.com`
  const body = Buffer.from(
    JSON.stringify({
      durationSeconds: SESSION_SECS,
      profileArn: settings.profile,
      roleArn: settings.role,
      trustAnchorArn: settings.trust_anchor,
    }),
  )
  return async () => {
    const at = clock.now()
    const headers = signRequest({ host, path: PATH, body }, await issue(at), { region, at })
    const answer = await post(host, agent, headers, body)
    if (answer.status !== CREATED) throw refusal(answer)
    return parseSession(answer.body, settings.role, at)
  }
}

function parseSession(body: Uint8Array, role: string, at: number): Session {
  const result = v.safeParse(schema, json(body))
  if (!result.success) throw malformed('it is not a credential set of one')
  const [{ roleArn, credentials }] = result.output.credentialSet
  if (roleArn !== role) throw malformed('it is for another role')
  const left = credentials.expiration.getTime() - at
  if (!(left > 0 && left <= SESSION_SECS * 1000 + SKEW_MS))
    throw malformed('it ends at another time than was asked for')
  return credentials
}

/** What to look at first. */
const hints = {
  unreachable: '',
  malformed: '',
  'clock-skew': ' (the clock of this machine is more than five minutes off)',
  'untrusted-certificate': ' (is the CA certificate that this enclave shows the one in the trust anchor?)',
  disabled: ' (the trust anchor is enabled once it holds the CA certificate that this enclave shows)',
  denied: ' (do the profile and the trust policy of the role name this trust anchor?)',
} as const

/** AWS names every refusal AccessDeniedException; only its message tells one from another. */
const reasons: readonly [pattern: RegExp, code: RolesAnywhereCode][] = [
  [/signature (expired|not yet current)/i, 'clock-skew'],
  [/untrusted/i, 'untrusted-certificate'],
  [/disabled/i, 'disabled'],
]

function refusal({ status, body }: Answer): RolesAnywhereError {
  const parsed = v.safeParse(v.object({ message: v.string() }), json(body))
  const said = parsed.success ? parsed.output.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON) : ''
  const code = reasons.find(([pattern]) => pattern.test(said))?.[1] ?? 'denied'
  return new RolesAnywhereError(code, `IAM Roles Anywhere gave no session (${status}): ${said || 'it said nothing'}`)
}

const malformed = (why: string): RolesAnywhereError =>
  new RolesAnywhereError('malformed', `IAM Roles Anywhere answered with a session that is none: ${why}`)

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

function post(
  host: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const fail = (cause: unknown) =>
    reject(
      cause instanceof RolesAnywhereError
        ? cause
        : new RolesAnywhereError('unreachable', `no answer from ${host}`, cause),
    )
  const call = request({
    host,
    path: PATH,
    method: 'POST',
    agent,
    headers: { ...headers, 'content-length': body.length },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  call.once('error', fail)
  call.once('response', (response) => {
    read(response).then((bytes) => resolve({ status: response.statusCode ?? 0, body: bytes }), fail)
  })
  call.end(body)
  return promise
}

async function read(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_ANSWER) throw malformed(`it is over ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
