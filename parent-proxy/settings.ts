import { isIP } from 'node:net'
import * as v from 'valibot'
import { parse } from 'yaml'
import { type Address, parseAddress, TransportError } from '../vsock/index.ts'
import { allowlist, isAllowlistEntry, parseTarget, type Target } from './target.ts'

export class SettingsError extends Error {
  readonly code = 'ERR_SETTINGS'
}

const MAX_BYTES = 1 << 20

const text = v.pipe(v.string('expected text'), v.minLength(1, 'expected text'), v.maxLength(4096, 'too long'))

const address = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }): Address => {
    try {
      return parseAddress(dataset.value)
    } catch (error) {
      addIssue({ message: error instanceof TransportError ? error.message : 'not an address' })
      return NEVER
    }
  }),
)

const ipTarget = v.pipe(
  text,
  v.transform(parseTarget),
  v.check((target) => target !== undefined && isIP(target.host) !== 0, 'expected <ip>:<port>'),
  v.transform((target) => target as Target), // checked in the line before
)

/** Port 0 lets the system choose; the ready line says which it was. */
const listen = v.pipe(
  text,
  v.regex(/^(\[[0-9a-f:.]+\]|[\d.]+):\d{1,5}$/, 'expected <ip>:<port>'),
  v.transform((value) => {
    const colon = value.lastIndexOf(':')
    return { host: value.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(value.slice(colon + 1)) }
  }),
  v.check(({ host, port }) => isIP(host) !== 0 && port <= 65_535, 'expected <ip>:<port>'),
)

const egress = v.pipe(
  v.strictObject({
    listen: address,
    /** What the enclave may reach: `host:port`, or `*.suffix:port` for one label more. */
    allow: v.array(v.pipe(text, v.check(isAllowlistEntry, 'expected <host>:<port> or *.<suffix>:<port>, lower case'))),
    /** `host:port` to `ip:port`, where the network differs from DNS. */
    routes: v.optional(v.record(text, ipTarget), {}),
  }),
  v.check(
    ({ allow, routes }) => Object.keys(routes).every((key) => isAllowed(key, allow)),
    'a route leads from a <host>:<port> that is allowed, lower case',
  ),
  v.transform(({ routes, ...rest }) => ({ ...rest, routes: new Map(Object.entries(routes)) })),
)

function isAllowed(authority: string, allow: readonly string[]): boolean {
  const target = parseTarget(authority)
  return target?.authority === authority && allowlist(allow)(target)
}

/** One peer, not VMADDR_CID_ANY. */
const isCid = (cid: number): boolean => Number.isInteger(cid) && cid >= 0 && cid < 0xffff_ffff

const schema = v.strictObject({
  egress,
  services: v.strictObject({
    listen: address,
    /** The directory of the sealed objects. */
    blobs: text,
    /** Fixed keys, for a stack without AWS. Without them the container credentials endpoint is asked. */
    credentials: v.optional(v.strictObject({ AccessKeyId: text, SecretAccessKey: text, Token: text })),
    identity: v.optional(
      v.strictObject({ instance: v.optional(text), node: v.optional(text), pod: v.optional(text) }),
      {},
    ),
  }),
  ingress: v.strictObject({ listen, enclave: address }),
  /** Over vsock, egress and services answer only this CID. Without it, any that reaches the port. */
  enclave_cid: v.optional(v.pipe(v.number('expected a CID'), v.check(isCid, 'expected a CID'))),
  /** A second copy of the log, besides standard output. */
  log_file: v.optional(text),
})

type Settings = v.InferOutput<typeof schema>

/** Reads settings in YAML or JSON, or says which key is wrong. No message repeats a value that may be a secret. */
export function parseSettings(bytes: Uint8Array): Settings {
  if (bytes.length > MAX_BYTES) throw new SettingsError(`settings over ${MAX_BYTES} bytes`)
  const result = v.safeParse(schema, decode(bytes))
  if (result.success) return result.output
  const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'top level'}: ${explain(issue)}`)
  throw new SettingsError(`settings refused:\n  ${lines.join('\n  ')}`)
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.message
  if (issue.expected === 'never') return 'unknown key'
  return issue.input === undefined ? 'missing' : 'expected a mapping'
}

function decode(bytes: Uint8Array): unknown {
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { prettyErrors: false, logLevel: 'error' })
  } catch {
    throw new SettingsError('settings are not YAML')
  }
}
