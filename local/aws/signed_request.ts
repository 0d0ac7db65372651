import { createHash, verify, X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AwsError } from './protocol.ts'

/** A request to `/sessions` that the holder of a certificate's key signed, just now. */
export interface SignedRequest {
  readonly certificate: X509Certificate
  /** The same for a request that comes again, however its signature is written. */
  readonly digest: string
}

const ALGORITHM = 'AWS4-X509-ECDSA-SHA256'
const AUTHORIZATION = new RegExp(
  `^${ALGORITHM} Credential=(\\d{1,49})/(\\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{16,160})$`,
)
const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
const SERVICE = 'rolesanywhere'
const MUST_BE_SIGNED = ['content-type', 'host', 'x-amz-date', 'x-amz-x509']
/** How far the time of a request may be from ours. */
export const MAX_SKEW_MS = 300_000

/** Refuses as IAM Roles Anywhere does: by a message that tells what is wrong. */
export const denied = (why: string): AwsError => new AwsError('AccessDeniedException', why, 403)

/** Checks all of a signature but whether anyone trusts its certificate. */
export function verifySignedRequest(
  request: IncomingMessage,
  body: Uint8Array,
  { region, now }: { readonly region: string; readonly now: Date },
): SignedRequest {
  const parts = AUTHORIZATION.exec(header(request, 'authorization'))
  if (parts === null) throw denied(`expected a signature by ${ALGORITHM}`)
  const [, serial = '', day, scopeRegion, scopeService, signed = '', signature = ''] = parts
  if (scopeRegion !== region || scopeService !== SERVICE)
    throw denied(`Credential should be scoped to ${region}/${SERVICE}, not to ${scopeRegion}/${scopeService}`)

  const time = header(request, 'x-amz-date')
  if (!time.startsWith(`${day}T`)) throw denied('Credential should be scoped to the day of x-amz-date')
  requireRecent(time, now)
  const certificate = readCertificate(header(request, 'x-amz-x509'))
  if (BigInt(serial) !== BigInt(`0x${certificate.serialNumber}`))
    throw denied('Credential should name the serial number of the certificate')

  const names = signed.split(';')
  if (names.some((name, index) => index > 0 && name <= (names[index - 1] ?? '')) || !includesAll(names))
    throw denied(`SignedHeaders should be in order and hold ${MUST_BE_SIGNED.join(', ')}`)
  const lines = names.map((name) => `${name}:${header(request, name).trim().replaceAll(/ +/g, ' ')}\n`)
  const canonical = [request.method, request.url, '', lines.join(''), signed, sha256(body)].join('\n')
  const scope = `${day}/${scopeRegion}/${scopeService}/aws4_request`
  const text = Buffer.from([ALGORITHM, time, scope, sha256(canonical)].join('\n'))
  if (!verify('sha256', text, certificate.publicKey, Buffer.from(signature, 'hex'))) throw denied('Invalid signature')
  return { certificate, digest: sha256(text) }
}

function requireRecent(time: string, now: Date): void {
  const at = Date.parse(time.replace(TIME, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(at)) throw denied('x-amz-date is not a time')
  if (at < now.getTime() - MAX_SKEW_MS)
    throw denied(`Signature expired: ${time} is too long before ${now.toISOString()}`)
  if (at > now.getTime() + MAX_SKEW_MS) throw denied(`Signature not yet current: ${time} is after ${now.toISOString()}`)
}

function readCertificate(base64: string): X509Certificate {
  const der = Buffer.from(base64, 'base64')
  const certificate = der.toString('base64') === base64 ? parsed(der) : undefined
  if (certificate?.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw denied('X-Amz-X509 should be the base64 DER of one certificate with a P-256 key')
  return certificate
}

function parsed(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der)
    return Buffer.compare(certificate.raw, der) === 0 ? certificate : undefined // nothing follows it
  } catch {
    return undefined
  }
}

/** A header that is there once. */
function header(request: IncomingMessage, name: string): string {
  const [value, ...more] = request.headersDistinct[name] ?? []
  if (value === undefined || more.length > 0) throw denied(`the request should have one header ${name}`)
  return value
}

const includesAll = (names: readonly string[]): boolean => MUST_BE_SIGNED.every((name) => names.includes(name))

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
