import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CredentialsError, credentialsFrom } from '../../../enclave/adapters/credentials.ts'
import { ParentError, type Parent } from '../../../enclave/adapters/parent.ts'
import { hostBytes } from '../../fakes/blobs.ts'
import { sayingParent } from './parents.ts'

const valid = {
  AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  SecretAccessKey: 'a-secret-access-key-of-forty-characters!',
  Token: 'a-token',
  Expiration: '2026-11-21T13:00:00Z',
}

const clock = { now: () => Date.parse('2026-11-21T12:55:00Z') }

/** What comes of credentials that the parent hands over like this. */
const from = (body: string | Uint8Array, status = 200): ReturnType<ReturnType<typeof credentialsFrom>> => {
  const parent: Parent = async () => ({ status, body: hostBytes(body) })
  return credentialsFrom(parent, clock)()
}
const over = (change: object): string => JSON.stringify({ ...valid, ...change })

describe('credentials', () => {
  it('are asked for at the parent, and read', async () => {
    expect(await credentialsFrom(await sayingParent(200, over({ RoleArn: 'any' })), clock)()).toEqual({
      accessKeyId: valid.AccessKeyId,
      secretAccessKey: valid.SecretAccessKey,
      sessionToken: valid.Token,
      expiration: new Date(valid.Expiration),
    })
  })

  it('may be without a token', async () => {
    expect(await from(over({ Token: undefined }))).not.toHaveProperty('sessionToken')
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an error', JSON.stringify({ code: 'no-credentials', message: valid.SecretAccessKey })],
    ['no access key', over({ AccessKeyId: undefined })],
    ['an access key with a line break', over({ AccessKeyId: 'ASIAIOSFODNN7EXAMPLE\n' })],
    ['an access key too long', over({ AccessKeyId: 'A'.repeat(129) })],
    ['a secret too short', over({ SecretAccessKey: 'short' })],
    ['a secret too long', over({ SecretAccessKey: 's'.repeat(257) })],
    ['a token too long', over({ Token: 't'.repeat(8193) })],
    ['a token that is null', over({ Token: null })],
    ['no end', over({ Expiration: undefined })],
    ['an end that is no time', over({ Expiration: 'tomorrow' })],
    ['an end in seconds', over({ Expiration: 1_800_000_000 })],
  ])('are not %s', async (_what, body) => {
    const outcome = await from(body).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(CredentialsError)
    expect(String(outcome)).not.toContain(valid.SecretAccessKey)
  })

  it('are not those that have expired', async () => {
    await expect(from(over({ Expiration: '2026-11-21T12:55:00Z' }))).rejects.toThrow('have expired')
  })

  it('are asked for again soon, whatever the parent says of how long they last', async () => {
    const { expiration } = await from(over({ Expiration: '2999-01-01T00:00:00Z' }))
    expect(expiration).toEqual(new Date('2026-11-21T13:10:00Z'))
  })

  it.each([204, 404, 500, 503])('are none when the parent answers %i', async (status) => {
    await expect(from(over({}), status)).rejects.toThrow(`it answered ${status}`)
  })

  it('are not more than a few kilobytes', async () => {
    const parent = await sayingParent(200, ' '.repeat((16 << 10) + 1))
    await expect(credentialsFrom(parent, clock)()).rejects.toMatchObject({
      constructor: ParentError,
      code: 'too-large',
    })
  })

  it('throw nothing but their own error', async () => {
    const change = fc.dictionary(fc.constantFrom(...Object.keys(valid)), fc.jsonValue()).map(over)
    const anything = fc.oneof(change, fc.json(), fc.uint8Array({ maxLength: 64 }))
    await fc.assert(
      fc.asyncProperty(anything, async (body) => {
        const outcome = await from(body).catch((error: unknown) => error)
        expect(!(outcome instanceof Error) || outcome instanceof CredentialsError).toBe(true)
      }),
    )
  })
})
