import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request, type Agent } from 'node:https'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signRequest, type RequestSigner } from '../../../enclave/adapters/request_signature.ts'
import { openRolesAnywhere, RolesAnywhereError, type Session } from '../../../enclave/adapters/rolesanywhere.ts'
import { openAuthority, type Authority } from '../../../enclave/authority.ts'
import { x509 } from '../../../enclave/x509.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { agentTo, serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { jsonService } from '../../../local/aws/protocol.ts'
import { createRolesAnywhere, type IssuedSession } from '../../../local/aws/rolesanywhere.ts'
import { generateIdentityKey, unwrapped } from '../../enclave/keys.ts'
import { ACCOUNT, REGION } from './clients.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const HOST = `rolesanywhere.${REGION}.amazonaws.com`
const settings = {
  trust_anchor: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:trust-anchor/5d0b6f0c`,
  profile: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:profile/c94e1a27`,
  role: `arn:aws:iam::${ACCOUNT}:role/driftseal-enclave`,
}
const caKey = generateIdentityKey()
const production = { environment: 'production', pcr0: Buffer.alloc(48, 0xa1) }

let authority: Authority
let foreign: Authority
let front: Front
let agent: Agent
let now: number
let anchor: string
let issued: IssuedSession[]

beforeAll(async () => {
  authority = await openAuthority(unwrapped(caKey), production)
  foreign = await openAuthority(unwrapped(generateIdentityKey()), production)
  const ca = await createCa(new Date())
  const nothing = jsonService('Nothing', new Map())
  const rolesanywhere = createRolesAnywhere({
    region: REGION,
    names: { trustAnchor: settings.trust_anchor, profile: settings.profile, role: settings.role },
    anchor: async () => anchor,
    sessionSecs: 1800,
    now: () => new Date(now),
    issued: (session) => issued.push(session),
  })
  front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { kms: nothing, secretsmanager: nothing, sqs: nothing, s3: nothing, rolesanywhere },
    access: () => 'denied',
  })
  agent = agentTo({ port: front.port, ca: ca.pem })
})
afterAll(async () => {
  agent.destroy()
  await front.close()
})
beforeEach(() => {
  now = NOW
  anchor = authority.pem
  issued = []
})

const open = (change: Partial<Parameters<typeof openRolesAnywhere>[0]> = {}): Promise<Session> =>
  openRolesAnywhere({ region: REGION, agent, settings, issue: authority.issue, clock: { now: () => NOW }, ...change })()

describe('a session', () => {
  test('is given to the holder of a leaf under the anchor, no longer than the profile allows', async () => {
    const session = await open()
    expect(session.expiration).toEqual(new Date(NOW + 30 * MINUTE))
    expect(session.accessKeyId).toMatch(/^ASIA[0-9A-F]{16}$/)
    expect(issued).toEqual([
      { accessKeyId: session.accessKeyId, token: session.sessionToken, expires: session.expiration },
    ])
  })

  test('is given under the anchor of an earlier boot, of the same key', async () => {
    const before = await openAuthority(unwrapped(caKey), { ...production, pcr0: Buffer.alloc(48, 0xb2) })
    expect(before.pem).not.toBe(authority.pem)
    anchor = before.pem
    await expect(open()).resolves.toBeDefined()
  })
})

/** A certificate of the anchor's key with whatever extensions. */
async function leafWith(
  extensions: InstanceType<typeof x509.Extension>[],
  subject = 'CN=production.a1',
): Promise<RequestSigner> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '40',
    subject,
    issuer: 'CN=DriftSeal production',
    notBefore: new Date(NOW - MINUTE),
    notAfter: new Date(NOW + MINUTE),
    publicKey: publicKey.toCryptoKey(P256, true, ['verify']),
    signingKey: caKey.toCryptoKey(P256, false, ['sign']),
    signingAlgorithm: P256,
    extensions,
  })
  return { certificate: new Uint8Array(certificate.rawData), serial: 0x40n, key: privateKey }
}

const endEntity = () => new x509.BasicConstraintsExtension(false, undefined, true)
const usage = (flags: InstanceType<typeof x509.KeyUsagesExtension>['usages']) =>
  new x509.KeyUsagesExtension(flags, true)
const { digitalSignature, keyCertSign } = x509.KeyUsageFlags

describe('no session', () => {
  test.each<[string, string, RegExp, () => Promise<unknown>]>([
    [
      'while the trust anchor is disabled',
      'disabled',
      /\(403\): the trust anchor is disabled \(the trust anchor is enabled once it holds the CA certificate/,
      () => {
        anchor = ''
        return open()
      },
    ],
    [
      'under a foreign CA of the same name',
      'untrusted-certificate',
      /it is not of the trust anchor \(is the CA certificate that this enclave shows/,
      () => open({ issue: foreign.issue }),
    ],
    [
      'while another CA is registered',
      'untrusted-certificate',
      /not of the trust anchor/,
      () => {
        anchor = foreign.pem
        return open()
      },
    ],
    [
      'for an expired leaf',
      'untrusted-certificate',
      /the certificate has expired: it was valid to Nov 21 11:00:00 2026/,
      () => open({ issue: (at) => authority.issue(at - 120 * MINUTE) }),
    ],
    [
      'for a leaf of the future',
      'untrusted-certificate',
      /the certificate is valid from Nov 21 12:01:00 2026/,
      () => open({ issue: (at) => authority.issue(at + 6 * MINUTE) }),
    ],
    [
      'when our clock is behind',
      'clock-skew',
      /Signature expired: .* \(the clock of this machine is more than five minutes off\)/,
      () => open({ clock: { now: () => NOW - 6 * MINUTE } }),
    ],
    [
      'when our clock is ahead',
      'clock-skew',
      /Signature not yet current: /,
      () => open({ clock: { now: () => NOW + 6 * MINUTE } }),
    ],
    [
      'for a certificate that is a CA',
      'untrusted-certificate',
      /not an end-entity certificate/,
      async () => {
        const leaf = await leafWith([new x509.BasicConstraintsExtension(true, 0, true), usage(digitalSignature)])
        return open({ issue: async () => leaf })
      },
    ],
    [
      'for a certificate that is not for signatures',
      'untrusted-certificate',
      /not an end-entity certificate/,
      async () => {
        const leaf = await leafWith([endEntity(), usage(keyCertSign)])
        return open({ issue: async () => leaf })
      },
    ],
    [
      'for a certificate without basic constraints',
      'untrusted-certificate',
      /extensions/,
      async () => {
        const leaf = await leafWith([usage(digitalSignature)])
        return open({ issue: async () => leaf })
      },
    ],
    [
      'for a certificate with a critical extension that nobody knows',
      'untrusted-certificate',
      /extensions/,
      async () => {
        const unknown = new x509.Extension('1.2.3.4', true, Buffer.of(5, 0))
        const leaf = await leafWith([endEntity(), usage(digitalSignature), unknown])
        return open({ issue: async () => leaf })
      },
    ],
    [
      'for a CN that no source identity can be',
      'untrusted-certificate',
      /CN/,
      async () => {
        const leaf = await leafWith([endEntity(), usage(digitalSignature)], 'CN=a name with spaces')
        return open({ issue: async () => leaf })
      },
    ],
    [
      'under an anchor that is no CA',
      'untrusted-certificate',
      /the trust anchor is not a CA/,
      async () => {
        const { certificate } = await leafWith([endEntity(), usage(digitalSignature)])
        anchor = new x509.X509Certificate(certificate).toString('pem')
        return open()
      },
    ],
    [
      'for another role',
      'denied',
      /the profile does not list it \(do the profile and the trust policy/,
      () => open({ settings: { ...settings, role: `arn:aws:iam::${ACCOUNT}:role/administrator` } }),
    ],
    [
      'under another trust anchor',
      'denied',
      /no such trust anchor/,
      () => open({ settings: { ...settings, trust_anchor: settings.trust_anchor.replace('5d', '6d') } }),
    ],
    [
      'from another region, whose host is not this one',
      'unreachable',
      /no answer from rolesanywhere.eu-west-1.amazonaws.com/,
      () => open({ region: 'eu-west-1' }),
    ],
  ])('%s', async (_what, code, message, attempt) => {
    const error = await attempt().then(
      () => undefined,
      (refused: unknown) => refused,
    )
    expect(error).toBeInstanceOf(RolesAnywhereError)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
    expect(issued).toEqual([])
  })
})

describe('a request that the holder did not make so', () => {
  const body = (over: object = {}) =>
    Buffer.from(
      JSON.stringify({
        durationSeconds: 3600,
        profileArn: settings.profile,
        roleArn: settings.role,
        trustAnchorArn: settings.trust_anchor,
        ...over,
      }),
    )
  const signed = async (bytes: Uint8Array, change: { region?: string; signer?: Partial<RequestSigner> } = {}) =>
    signRequest(
      { host: HOST, path: '/sessions', body: bytes },
      { ...(await authority.issue(NOW)), ...change.signer },
      { region: change.region ?? REGION, at: NOW },
    )
  const replaced = (headers: Readonly<Record<string, string>>, from: string | RegExp, to: string) => ({
    ...headers,
    authorization: (headers['authorization'] ?? '').replace(from, to),
  })

  async function post(
    headers: Readonly<Record<string, string | string[]>>,
    bytes: Uint8Array,
    path = '/sessions',
  ): Promise<{ status: number | undefined; message?: string }> {
    const call = request({
      host: HOST,
      path,
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': bytes.length },
    })
    call.end(bytes)
    const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
    return { ...((await json(response)) as object), status: response.statusCode }
  }

  test('comes a second time', async () => {
    const headers = await signed(body())
    expect((await post(headers, body())).status).toBe(201)
    expect(await post(headers, body())).toMatchObject({
      status: 403,
      message: expect.stringContaining('made before') as string,
    })
    now = NOW + 6 * MINUTE
    expect(await post(headers, body())).toMatchObject({
      status: 403,
      message: expect.stringMatching(/^Signature expired/) as string,
    })
    expect(issued).toHaveLength(1)
  })

  test.each<[string, RegExp, () => Promise<{ status: number | undefined; message?: string }>]>([
    [
      'is scoped to another region',
      /^Credential should be scoped to us-east-1\/rolesanywhere, not to eu-west-1\/rolesanywhere$/,
      async () => post(await signed(body(), { region: 'eu-west-1' }), body()),
    ],
    [
      'is scoped to another service',
      /not to us-east-1\/sts/,
      async () => post(replaced(await signed(body()), '/rolesanywhere/', '/sts/'), body()),
    ],
    [
      'is scoped to another day',
      /day of x-amz-date/,
      async () => post(replaced(await signed(body()), '/20261121/', '/20261122/'), body()),
    ],
    [
      'names another serial number',
      /serial number/,
      async () => post(await signed(body(), { signer: { serial: 7n } }), body()),
    ],
    [
      'is signed by another key than the certificate’s',
      /^Invalid signature$/,
      async () => post(await signed(body(), { signer: { key: generateIdentityKey() } }), body()),
    ],
    ['has another body', /^Invalid signature$/, async () => post(await signed(body()), body({ durationSeconds: 900 }))],
    [
      'does not sign what it has to',
      /SignedHeaders/,
      async () => post(replaced(await signed(body()), 'content-type;', ''), body()),
    ],
    [
      'has its signed headers out of order',
      /SignedHeaders/,
      async () => post(replaced(await signed(body()), 'content-type;host', 'host;content-type'), body()),
    ],
    [
      'is signed with a shared secret',
      /expected a signature by AWS4-X509-ECDSA-SHA256/,
      async () => post(replaced(await signed(body()), /^AWS4-X509-ECDSA-SHA256/, 'AWS4-HMAC-SHA256'), body()),
    ],
    ['is not signed', /one header authorization/, async () => post({ 'content-type': 'application/json' }, body())],
    [
      'has two certificates',
      /X-Amz-X509/,
      async () => {
        const { certificate } = await authority.issue(NOW)
        return post(
          await signed(body(), { signer: { certificate: Buffer.concat([certificate, certificate]) } }),
          body(),
        )
      },
    ],
    [
      'has noise for a certificate',
      /X-Amz-X509/,
      async () => post(await signed(body(), { signer: { certificate: Buffer.alloc(400, 7) } }), body()),
    ],
    [
      'has a certificate with a key of another curve',
      /P-256/,
      async () => {
        const p384 = { ...P256, namedCurve: 'P-384' }
        const keys = await webcrypto.subtle.generateKey(p384, true, ['sign', 'verify'])
        const { rawData } = await x509.X509CertificateGenerator.createSelfSigned({ keys, signingAlgorithm: p384 })
        return post(await signed(body(), { signer: { certificate: new Uint8Array(rawData) } }), body())
      },
    ],
  ])('%s', async (_what, message, attempt) => {
    expect(await attempt()).toMatchObject({ status: 403, message: expect.stringMatching(message) as string })
    expect(issued).toEqual([])
  })

  test.each([
    ['is for another path', '/subjects', body(), 404],
    ['asks for too long a session', '/sessions', body({ durationSeconds: 43_201 }), 400],
    ['asks for something unknown', '/sessions', body({ policy: 'all' }), 400],
    ['is not JSON', '/sessions', Buffer.from('{'), 400],
  ])('%s', async (_what, path, bytes, status) => {
    expect((await post(await signed(bytes), bytes, path)).status).toBe(status)
    expect(issued).toEqual([])
  })
})
