import type { RequestListener } from 'node:http'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRolesAnywhere, RolesAnywhereError } from '../../../enclave/adapters/rolesanywhere.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { agentTo, serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { generateIdentityKey } from '../keys.ts'

const REGION = 'us-east-1'
const NOW = Date.parse('2026-11-21T12:00:00Z')
const ROLE = 'arn:aws:iam::111122223333:role/driftseal-enclave'
const SESSION = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'a-secret-access-key-of-forty-characters!',
  sessionToken: 'a-token',
  expiration: '2026-11-21T13:00:00Z',
}
const answerWith = (credentials: object, over: object = {}) => ({
  credentialSet: [{ assumedRoleUser: { arn: 'any' }, credentials, packedPolicySize: 3, roleArn: ROLE, ...over }],
  subjectArn: 'any',
})

let front: Front
let open: () => Promise<unknown>
let answer: RequestListener = () => {}

beforeAll(async () => {
  const ca = await createCa(new Date())
  const here: RequestListener = (request, response) => answer(request, response)
  front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { kms: here, secretsmanager: here, sqs: here, s3: here, rolesanywhere: here },
    access: () => 'denied',
  })
  const signer = { certificate: Buffer.from('any'), serial: 7n, key: generateIdentityKey() }
  open = openRolesAnywhere({
    region: REGION,
    agent: agentTo({ port: front.port, ca: ca.pem }),
    settings: { trust_anchor: 'an anchor', profile: 'a profile', role: ROLE },
    issue: async () => signer,
    clock: { now: () => NOW },
  })
})
afterAll(() => front.close())

const say = (status: number, body: string | Uint8Array): void => {
  answer = (request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
}

describe('a session', () => {
  it('is read from the answer, whatever else AWS says', async () => {
    say(201, JSON.stringify(answerWith({ ...SESSION, more: 1 })))
    expect(await open()).toEqual({ ...SESSION, expiration: new Date(SESSION.expiration) })
  })

  it.each<[string, number, string]>([
    ['not JSON', 201, '<html>'],
    ['nothing', 201, ''],
    ['no credentials', 201, '{"credentialSet":[]}'],
    ['two sets', 201, JSON.stringify({ credentialSet: Array(2).fill(answerWith(SESSION).credentialSet[0]) })],
    ['another role', 201, JSON.stringify(answerWith(SESSION, { roleArn: ROLE.replace('enclave', 'admin') }))],
    ['an access key that is none', 201, JSON.stringify(answerWith({ ...SESSION, accessKeyId: 'a b' }))],
    ['no token', 201, JSON.stringify(answerWith({ ...SESSION, sessionToken: undefined }))],
    ['an end that is no time', 201, JSON.stringify(answerWith({ ...SESSION, expiration: 'soon' }))],
    ['an end that is past', 201, JSON.stringify(answerWith({ ...SESSION, expiration: '2026-11-21T12:00:00Z' }))],
    ['an end far off', 201, JSON.stringify(answerWith({ ...SESSION, expiration: '2026-11-21T14:00:00Z' }))],
    ['too much', 201, ' '.repeat((64 << 10) + 1)],
  ])('is not %s', async (_what, status, body) => {
    say(status, body)
    await expect(open()).rejects.toMatchObject({ constructor: RolesAnywhereError, code: 'malformed' })
  })

  it.each<[string, number, string, string]>([
    ['Untrusted signing certificate', 403, 'untrusted-certificate', 'Untrusted signing certificate'],
    ['Signature expired: 20261121T110000Z', 403, 'clock-skew', 'five minutes'],
    ['Trust anchor is disabled', 403, 'disabled', 'shows'],
    ['Unable to assume role', 403, 'denied', 'trust policy'],
    ['line\nbreak', 400, 'denied', 'line?break'],
    ['x'.repeat(1000), 400, 'denied', `${'x'.repeat(200)} (do`],
  ])('that is refused with "%s" says so', async (message, status, code, part) => {
    say(status, JSON.stringify({ message }))
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(part) as string })
  })

  it('of a status that creates nothing is none', async () => {
    say(200, JSON.stringify(answerWith(SESSION)))
    await expect(open()).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining('(200)') as string })
  })

  it('of a host that hangs up is none', async () => {
    answer = (request) => request.socket.destroy()
    await expect(open()).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('throws nothing but its own error', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(`{"credentialSet":[{"roleArn":"${ROLE}","credentials":${text}}]}`)),
    )
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom(201, 403), async (bytes, status) => {
        say(status, bytes)
        await expect(open()).rejects.toBeInstanceOf(RolesAnywhereError)
      }),
      { numRuns: 50 },
    )
  })
})
