import { randomBytes, X509Certificate } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import * as v from 'valibot'
import { x509 } from '../../enclave/x509.ts'
import { answer, AwsError, operation, parseJson, readBody, refuse } from './protocol.ts'
import { denied, MAX_SKEW_MS, verifySignedRequest } from './signed_request.ts'

/** What a session is good for, and until when. */
export interface IssuedSession {
  readonly accessKeyId: string
  readonly token: string
  readonly expires: Date
}

/** The names under which a trust anchor, a profile and a role are asked for. */
export interface RoleNames {
  readonly trustAnchor: string
  readonly profile: string
  readonly role: string
}

const CREATED = 201
const ECDSA_WITH_SHA2 = /^1\.2\.840\.10045\.4\.3\.[234]$/
/** IAM's own rule for a source identity. */
const SOURCE_IDENTITY = /^[\w+=,.@-]{2,64}$/

const input = v.strictObject({
  durationSeconds: v.pipe(v.number(), v.integer(), v.minValue(900), v.maxValue(43_200)),
  profileArn: v.string(),
  roleArn: v.string(),
  trustAnchorArn: v.string(),
})

/**
 * IAM Roles Anywhere with one trust anchor, one profile and one role. Stricter than AWS in one thing: AWS takes the same
 * request again as long as its time is recent, this takes it once.
 */
export function createRolesAnywhere(world: {
  readonly region: string
  readonly names: RoleNames
  /** The anchor's certificate in PEM; while it is empty the anchor is disabled. */
  readonly anchor: () => Promise<string>
  /** The longest session that the profile allows. */
  readonly sessionSecs: number
  readonly now: () => Date
  readonly issued: (session: IssuedSession) => void
}): RequestListener {
  const seen = new Map<string, number>()

  function requireNew(digest: string, now: number): void {
    for (const [old, until] of seen) if (until < now) seen.delete(old)
    if (seen.has(digest)) throw denied('this request was made before: sign a new one')
    seen.set(digest, now + 2 * MAX_SKEW_MS)
  }

  async function createSession(request: IncomingMessage): Promise<object> {
    if (request.method !== 'POST' || request.url !== '/sessions')
      throw new AwsError('UnknownOperationException', 'expected POST /sessions', 404)
    const body = await readBody(request)
    const now = world.now()
    const { certificate, digest } = verifySignedRequest(request, body, { region: world.region, now })
    requireNew(digest, now.getTime())
    return operation(input, async ({ durationSeconds, ...asked }) => {
      requireNames(asked, world.names)
      const sourceIdentity = requireTrusted(certificate, await world.anchor(), now)
      const seconds = Math.min(durationSeconds, world.sessionSecs)
      return session(sourceIdentity, new Date(now.getTime() + seconds * 1000))
    })(parseJson(body))
  }

  function session(sourceIdentity: string, expires: Date): object {
    const accessKeyId = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`
    const token = randomBytes(96).toString('base64')
    world.issued({ accessKeyId, token, expires })
    const { role, trustAnchor } = world.names
    return {
      credentialSet: [
        {
          assumedRoleUser: { arn: role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/') },
          credentials: {
            accessKeyId,
            secretAccessKey: randomBytes(30).toString('base64'),
            sessionToken: token,
            expiration: expires.toISOString(),
          },
          packedPolicySize: 0,
          roleArn: role,
          sourceIdentity,
        },
      ],
      subjectArn: trustAnchor.replace(/:trust-anchor\/.*$/, ':subject/local'),
    }
  }

  return (request, response) => {
    createSession(request).then(
      (output) => answer(response, CREATED, output),
      (error: unknown) => refuse(response, error),
    )
  }
}

function requireNames(asked: { profileArn: string; roleArn: string; trustAnchorArn: string }, names: RoleNames): void {
  if (asked.trustAnchorArn !== names.trustAnchor) throw denied('there is no such trust anchor')
  if (asked.profileArn !== names.profile || asked.roleArn !== names.role)
    throw denied('Unable to assume role: the profile does not list it')
}

/** The leaf stands directly below the anchor, both hold now, and each is what it has to be. Gives back the leaf's CN. */
function requireTrusted(leaf: X509Certificate, anchorPem: string, now: Date): string {
  if (anchorPem.trim() === '') throw denied('the trust anchor is disabled')
  const anchor = new X509Certificate(anchorPem)
  const authority = extensionsOf(anchor)
  if (!authority.ca || !authority.keyCertSign) throw untrusted('the trust anchor is not a CA')
  requireValid(anchor, 'the trust anchor', now)
  if (!leaf.checkIssued(anchor) || !leaf.verify(anchor.publicKey)) throw untrusted('it is not of the trust anchor')
  requireValid(leaf, 'the certificate', now)
  const { ca, digitalSignature, commonName } = extensionsOf(leaf)
  if (ca || !digitalSignature) throw untrusted('it is not an end-entity certificate for digital signatures')
  if (!ECDSA_WITH_SHA2.test(leaf.signatureAlgorithmOid ?? '')) throw untrusted('it is not signed with ECDSA and SHA-2')
  if (!SOURCE_IDENTITY.test(commonName)) throw untrusted('its CN cannot be a source identity')
  return commonName
}

function requireValid(certificate: X509Certificate, name: string, now: Date): void {
  if (now < certificate.validFromDate) throw untrusted(`${name} is valid from ${certificate.validFrom}`)
  if (now > certificate.validToDate) throw untrusted(`${name} has expired: it was valid to ${certificate.validTo}`)
}

/** Basic constraints have to be there (they tell a leaf from a CA), and no critical extension may go unread. */
function extensionsOf({ raw }: X509Certificate) {
  const certificate = new x509.X509Certificate(new Uint8Array(raw))
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
  const usages = certificate.getExtension(x509.KeyUsagesExtension)
  const unread = certificate.extensions.some((one) => one.critical && one !== constraints && one !== usages)
  if (constraints === null || unread) throw untrusted('its extensions are not those that are understood here')
  const used = usages?.usages ?? 0
  return {
    ca: constraints.ca,
    keyCertSign: (used & x509.KeyUsageFlags.keyCertSign) !== 0,
    digitalSignature: (used & x509.KeyUsageFlags.digitalSignature) !== 0,
    commonName: certificate.subjectName.getField('CN')[0] ?? '',
  }
}

const untrusted = (why: string): AwsError => denied(`Untrusted signing certificate: ${why}`)
