import { createHash, sign, type KeyObject } from 'node:crypto'

/** Who signs: the key, and the certificate that speaks for it. */
export interface RequestSigner {
  /** DER. */
  readonly certificate: Uint8Array
  readonly serial: bigint
  readonly key: KeyObject
}

/** A POST with a JSON body. */
export interface SignableRequest {
  readonly host: string
  readonly path: string
  readonly body: Uint8Array
}

const ALGORITHM = 'AWS4-X509-ECDSA-SHA256'
const CONTENT_TYPE = 'application/json'

/**
 * The headers that make a request to IAM Roles Anywhere: AWS Signature Version 4, with a certificate's key in place of
 * the shared secret. "Authentication signing process" in its user guide.
 */
export function signRequest(
  { host, path, body }: SignableRequest,
  { certificate, serial, key }: RequestSigner,
  { region, at }: { readonly region: string; readonly at: number },
): Readonly<Record<string, string>> {
  const time = `${new Date(at).toISOString().replaceAll(/[-:]|\.\d+Z$/g, '')}Z`
  const headers = {
    'content-type': CONTENT_TYPE,
    host,
    'x-amz-date': time,
    'x-amz-x509': Buffer.from(certificate).toString('base64'),
  }
  const names = Object.keys(headers).join(';') // written above in the order that the canonical form demands
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = ['POST', path, '', lines.join(''), names, sha256(body)].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/rolesanywhere/aws4_request`
  const signature = sign('sha256', Buffer.from([ALGORITHM, time, scope, sha256(canonical)].join('\n')), key)
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${serial}/${scope}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`,
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
