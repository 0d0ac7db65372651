import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalActions } from '../../../enclave/core/actions.ts'
import { canonicalJson, type Json, type JsonObject } from '../../../enclave/core/json.ts'

const same = (a: JsonObject[], b: JsonObject[]): boolean =>
  canonicalJson(normalActions(a)) === canonicalJson(normalActions(b))

const alone = { type: 'forward', target_group_arn: 'tg-1' }
const group = (arn: string, weight: Json = 1): JsonObject => ({ arn, weight })
const forward = (groups: readonly Json[], stickiness: readonly Json[] = []): JsonObject => ({
  type: 'forward',
  forward: [{ target_group: groups, stickiness }],
})
const oidc = (members: JsonObject): JsonObject => ({ type: 'authenticate-oidc', authenticate_oidc: [members] })

describe('two actions', () => {
  test.each<[string, JsonObject, JsonObject, boolean]>([
    ['with and without their order', alone, { ...alone, order: 1, redirect: [] }, true],
    ['with an order of 0', { ...alone, order: 0 }, { ...alone, order: 1 }, true],
    ['to one group, in either form', alone, forward([group('tg-1')], [{ enabled: false, duration: 3600 }]), true],
    ['to one group, in both forms', alone, { ...forward([group('tg-1', '5')]), target_group_arn: 'tg-1' }, true],
    ['to another group', alone, forward([group('tg-2')]), false],
    ['to groups in any order', forward([group('a'), group('b', 2)]), forward([group('b', '2'), { arn: 'a' }]), true],
    ['of other weights', forward([group('a'), group('b')]), forward([group('a'), group('b', 0)]), false],
    ['to groups that hold on to clients', alone, forward([group('tg-1')], [{ enabled: true, duration: 60 }]), false],
    ['to no group', { type: 'redirect', target_group_arn: '' }, { type: 'redirect', target_group_arn: null }, true],
    [
      'with what the service fills in',
      {
        type: 'redirect',
        redirect: [{ status_code: 'HTTP_301', protocol: 'HTTPS', host: '#{host}', path: '/#{path}' }],
      },
      { type: 'redirect', redirect: [{ status_code: 'HTTP_301', protocol: 'HTTPS', query: '#{query}' }] },
      true,
    ],
    ['that redirect elsewhere', { redirect: [{ host: '#{host}' }] }, { redirect: [{ host: 'example.com' }] }, false],
    ['with a secret and without', oidc({ issuer: 'i', client_secret: 's' }), oidc({ issuer: 'i' }), true],
    ['that last as long by default', oidc({ session_timeout: 604800 }), oidc({}), true],
    ['that last shorter', oidc({ session_timeout: 60 }), oidc({}), false],
    ['with an empty map and without', oidc({ authentication_request_extra_params: {} }), oidc({}), true],
    ['with a parameter of their own', oidc({ authentication_request_extra_params: { a: 'b' } }), oidc({}), false],
  ])('%s', (_, a, b, is) => {
    expect(same([a], [b])).toBe(is)
    expect(same([b], [a])).toBe(is)
  })

  test('count in their order', () => {
    const [first, second] = [oidc({ issuer: 'i' }), alone]
    expect(same([first, second], [first, second])).toBe(true)
    expect(same([first, second], [second, first])).toBe(false)
  })
})

test('whatever comes, nothing fails', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const actions = value as Json // both are what JSON.parse gives
      expect(() => normalActions([{ forward: actions, stickiness: actions, order: actions }, actions])).not.toThrow()
    }),
    { numRuns: 50 },
  )
})
