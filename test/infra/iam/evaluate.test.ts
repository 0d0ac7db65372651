import { describe, expect, it } from 'vitest'
import { type Context, holds } from './conditions.ts'
import { type Decision, evaluate, type Policies } from './evaluate.ts'
import {
  type Conditions,
  isLike,
  isLikeArn,
  type OneOrMany,
  type Policy,
  PolicyError,
  type Statement,
} from './policy.ts'

const ROLE = 'arn:aws:iam::111122223333:role/host'
const ROOT = 'arn:aws:iam::111122223333:root'
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/dek'
const request = { principal: ROLE, action: 'kms:Decrypt', resource: KEY }

const policy = (...Statement: readonly Statement[]): Policy => ({ Statement })
const statement = (more: Partial<Statement>): Statement => ({
  Effect: 'Allow',
  Action: 'kms:Decrypt',
  Resource: '*',
  ...more,
})
const identity = [policy(statement({ Action: 'kms:*' }))]
const to = (...AWS: readonly string[]) => policy(statement({ Principal: { AWS } }))

describe('who decides', () => {
  it.each<[string, Decision, Policies]>([
    ['nobody', 'implicitly denied', {}],
    ['an identity policy', 'allowed', { identity }],
    ['a resource policy that names the role', 'allowed', { resource: to(ROLE) }],
    ['a resource policy that names anyone', 'allowed', { resource: policy(statement({ Principal: '*' })) }],
    ['a resource policy that names the account alone', 'implicitly denied', { resource: to(ROOT) }],
    ['a resource policy that names another role', 'implicitly denied', { resource: to(`${ROLE}s`) }],
    ['a key policy that says nothing', 'implicitly denied', { identity, resource: to(), isResourceDecisive: true }],
    [
      'a key policy that hands on to the account',
      'allowed',
      { identity, resource: to(ROOT), isResourceDecisive: true },
    ],
    [
      'a key policy that names the account by number',
      'allowed',
      { identity, resource: to('111122223333'), isResourceDecisive: true },
    ],
    ['the account, without an identity policy', 'implicitly denied', { resource: to(ROOT), isResourceDecisive: true }],
    ['a key policy that names the role', 'allowed', { resource: to(ROLE), isResourceDecisive: true }],
    [
      'a Deny for the account, which every role of it is in',
      'explicitly denied',
      { identity, resource: policy(statement({ Effect: 'Deny', Principal: { AWS: ROOT } })) },
    ],
    [
      'a Deny beside an Allow',
      'explicitly denied',
      { identity: [...identity, policy(statement({ Effect: 'Deny', Action: '*' }))] },
    ],
    ['a limit that does not mention it', 'implicitly denied', { identity, limits: [policy()] }],
    ['a limit that does', 'allowed', { identity, limits: identity }],
    [
      'a limit that denies',
      'explicitly denied',
      { identity, limits: [policy(statement({ Effect: 'Deny', Principal: '*' }))] },
    ],
  ])('%s: %s', (_name, decision, policies) => {
    expect(evaluate(request, policies)).toBe(decision)
  })

  it('the root user needs no identity policy, and is not above a key policy', () => {
    const root = { ...request, principal: ROOT }
    expect(evaluate(root, {})).toBe('allowed')
    expect(evaluate(root, { resource: to(ROLE), isResourceDecisive: true })).toBe('implicitly denied')
  })

  it('a service is named as a service, or by "*"', () => {
    const service = { ...request, principal: 'events.amazonaws.com' }
    const named = policy(statement({ Principal: { Service: 'events.amazonaws.com' } }))
    expect(evaluate(service, { resource: named })).toBe('allowed')
    expect(evaluate(service, { identity, resource: to('*') })).toBe('implicitly denied')
    const denied = policy(...(named.Statement as Statement[]), statement({ Effect: 'Deny', Principal: '*' }))
    expect(evaluate(service, { resource: denied })).toBe('explicitly denied')
  })
})

describe('what a statement is about', () => {
  it.each<[string, boolean, Partial<Statement>]>([
    ['an action without regard to case', true, { Action: 'KMS:decrypt' }],
    ['an action by wildcard', true, { Action: ['s3:*', 'kms:De*t'] }],
    ['all actions but others', true, { NotAction: 'kms:Encrypt' }],
    ['all actions but this', false, { NotAction: ['kms:D*'] }],
    ['another resource', false, { Resource: `${KEY}2` }],
    ['a resource by wildcard', true, { Resource: 'arn:aws:kms:*:*:key/d?k' }],
    ['all resources but this', false, { NotResource: KEY }],
    ['all resources but others', true, { NotResource: 'arn:aws:s3:::*' }],
    ['everybody but others', true, { NotPrincipal: { AWS: `${ROLE}s` } }],
    ['everybody but this', false, { NotPrincipal: { AWS: [ROLE] } }],
  ])('%s', (_name, matches, elements) => {
    const one: Statement = {
      Effect: 'Allow',
      ...('NotPrincipal' in elements ? {} : { Principal: '*' }),
      ...('NotAction' in elements ? {} : { Action: 'kms:Decrypt' }),
      ...elements,
    }
    expect(evaluate(request, { resource: policy(one) })).toBe(matches ? 'allowed' : 'implicitly denied')
  })
})

describe('conditions', () => {
  const of = (operator: string, wanted: OneOrMany): Conditions => ({ [operator]: { 'x:Key': wanted } })
  const given = (value: OneOrMany): Context => ({ 'X:key': value })

  it.each<[operator: string, wanted: OneOrMany, given: OneOrMany | undefined, boolean]>([
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEqualsIgnoreCase', 'AB', 'ab', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringNotEquals', 'a', undefined, true],
    ['StringNotEqualsIgnoreCase', 'A', 'a', false],
    ['StringNotEqualsIgnoreCase', 'A', undefined, true],
    ['StringLike', 'a*c?', 'abbcd', true],
    ['StringLike', 'a.c', 'abc', false],
    ['StringNotLike', 'a*', 'b', true],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEqualsIfExists', 'a', undefined, true],
    ['ArnEquals', 'arn:aws:iam::*:role/x', 'arn:aws:iam::111122223333:role/x', true],
    ['ArnLike', 'arn:aws:iam::1*', 'arn:aws:iam::111122223333:role/x', false],
    ['ArnNotEquals', ROLE, ROLE, false],
    ['ArnNotEquals', ROLE, undefined, true],
    ['ArnEquals', ROLE, 'no ARN', false],
    ['Bool', 'true', 'TRUE', true],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'false', undefined, true],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'a', false],
    ['Null', 'false', 'a', true],
    ['NumericLessThan', '1.2', '1.1', true],
    ['NumericLessThan', '1.2', '1.2', false],
    ['NumericLessThan', '1.2', undefined, false],
    ['NumericGreaterThanEquals', '900', '900', true],
    ['NumericNotEquals', '1', '2', true],
    ['DateLessThan', '2026-01-01T00:00:00Z', '1700000000', true],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', false],
    ['ForAnyValue:StringEquals', 'a', ['b', 'a'], true],
    ['ForAnyValue:StringEquals', 'a', [], false],
    ['ForAnyValue:StringEquals', 'a', undefined, false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['b', 'a'], true],
    ['ForAllValues:StringEquals', 'a', ['b', 'a'], false],
    ['ForAllValues:StringEquals', 'a', [], true],
    ['ForAllValues:StringEquals', 'a', undefined, true], // the trap: no attestation at all passes
  ])('%s %j, given %j: %s', (operator, wanted, value, met) => {
    expect(holds(of(operator, wanted), value === undefined ? {} : given(value))).toBe(met)
  })

  it('all of them have to hold', () => {
    const both = { ...of('StringEquals', 'a'), Bool: { 'x:Other': 'true' } }
    expect(holds(both, { 'x:Key': 'a', 'x:Other': 'true' })).toBe(true)
    expect(holds(both, { 'x:Key': 'a' })).toBe(false)
  })

  it.each<[string, Conditions, Context]>([
    ['an unknown operator', of('IpAddress', '10.0.0.0/8'), given('10.0.0.1')],
    ['a policy variable', of('StringLike', '${aws:username}'), given('a')],
    ['many values for one', of('StringEquals', 'a'), given(['a', 'b'])],
    ['no number', of('NumericEquals', 'one'), given('1')],
    ['no date', of('DateEquals', 'soon'), given('1')],
  ])('%s is not judged', (_name, conditions, context) => {
    expect(() => holds(conditions, context)).toThrow(PolicyError)
  })
})

it('wildcards are those of IAM and nothing of a regular expression', () => {
  expect(isLike('a.b+(c)[d]', 'a.b+(c)[d]')).toBe(true)
  expect(isLike('a.b', 'axb')).toBe(false)
  expect(isLike('*', 'two\nlines')).toBe(true)
  expect(isLikeArn('arn:aws:*:::x', 'arn:aws:s3:eu-west-1::x')).toBe(false)
  expect(isLikeArn('arn:aws:sqs:*:*:a:*', 'arn:aws:sqs:eu-west-1:111122223333:a:b')).toBe(true)
})

// What the table of cases has to notice. Both are in use elsewhere.
describe('key policies that look as if they asked for attestation', () => {
  const PCR0 = 'b'.repeat(96)
  const attestation = { 'kms:RecipientAttestation:PCR0': PCR0 }
  it.each<[string, Policy, Decision]>([
    [
      'the account may do all, and the role’s own policy says Decrypt',
      policy(
        statement({ Action: 'kms:*', Principal: { AWS: ROOT } }),
        statement({ Principal: { AWS: ROLE }, Condition: { StringEqualsIgnoreCase: attestation } }),
      ),
      'allowed',
    ],
    [
      'ForAllValues',
      policy(statement({ Principal: { AWS: ROLE }, Condition: { 'ForAllValues:StringEquals': attestation } })),
      'allowed',
    ],
    [
      'one that does ask',
      policy(statement({ Principal: { AWS: ROLE }, Condition: { StringEqualsIgnoreCase: attestation } })),
      'implicitly denied',
    ],
  ])('%s: Decrypt without it is %s', (_name, resource, decision) => {
    expect(evaluate(request, { identity, resource, isResourceDecisive: true })).toBe(decision)
  })
})
