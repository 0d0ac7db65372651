import { expect, test } from 'vitest'
import { parseActor } from '../../../enclave/core/actor.ts'
import type { Actor } from '../../../enclave/core/event.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'

const role = 'arn:aws:iam::111122223333:role/team/Admin'
const session = 'arn:aws:sts::111122223333:assumed-role/Admin/admin@example.com'
const issuer = { type: 'Role', arn: role, userName: 'Admin' }

test.each<[string, JsonObject, Partial<Actor>]>([
  [
    'a user',
    { type: 'IAMUser', userName: 'deploy', arn: 'arn:aws:iam::111122223333:user/deploy', accountId: '111122223333' },
    { type: 'IAMUser', name: 'deploy', arn: 'arn:aws:iam::111122223333:user/deploy', account: '111122223333' },
  ],
  [
    'a role and its session',
    { type: 'AssumedRole', arn: session, sessionContext: { sessionIssuer: issuer, webIdFederationData: {} } },
    { name: 'admin@example.com', role, session: 'admin@example.com' },
  ],
  [
    'a role whose issuer is left out',
    { type: 'AssumedRole', arn: session },
    { role: 'arn:aws:iam::111122223333:role/Admin', session: 'admin@example.com' },
  ],
  [
    'a session known from the principal alone',
    { type: 'AssumedRole', principalId: 'AROAEXAMPLE:run-7' },
    { name: 'run-7', session: 'run-7' },
  ],
  [
    'a source identity, without MFA',
    { type: 'AssumedRole', sessionContext: { sourceIdentity: 'admin', attributes: { mfaAuthenticated: 'false' } } },
    { sourceIdentity: 'admin', mfa: false },
  ],
  ['the root user', { type: 'Root', arn: 'arn:aws:iam::111122223333:root' }, { name: 'root' }],
  ['a service', { type: 'AWSService', invokedBy: 'autoscaling.amazonaws.com' }, { name: 'autoscaling.amazonaws.com' }],
  ['AWS itself, untyped', { invokedBy: 'AWS Internal' }, { type: 'AWSService', invokedBy: 'AWS Internal' }],
  [
    'a federated user',
    { type: 'FederatedUser', arn: 'arn:aws:sts::111122223333:federated-user/alice' },
    { name: 'alice' },
  ],
  ['a web identity', { type: 'WebIdentityUser', userName: 'repo:example/app' }, { name: 'repo:example/app' }],
  ['an identity center user', { type: 'IdentityCenterUser', onBehalfOf: { userId: 'u-1' } }, { name: 'u-1' }],
  [
    'a SAML identity',
    { type: 'SAMLUser', userName: 'admin', identityProvider: 'idp-namequalifier=' },
    { name: 'admin', identityProvider: 'idp-namequalifier=', subject: 'admin' },
  ],
  [
    'a pipeline that came by OIDC',
    {
      type: 'AssumedRole',
      arn: session,
      accessKeyId: 'ASIAEXAMPLE',
      sessionContext: {
        sessionIssuer: issuer,
        webIdFederationData: {
          federatedProvider: 'arn:aws:iam::111122223333:oidc-provider/token.actions.example.com',
          attributes: {
            'token.actions.example.com:aud': 'sts.amazonaws.com',
            'token.actions.example.com:sub': 'repo:example/app:ref:refs/heads/main',
          },
        },
      },
    },
    {
      identityProvider: 'arn:aws:iam::111122223333:oidc-provider/token.actions.example.com',
      subject: 'repo:example/app:ref:refs/heads/main',
      accessKey: 'ASIAEXAMPLE',
    },
  ],
  [
    'a session of IAM Identity Center',
    {
      type: 'AssumedRole',
      arn: 'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/admin@example.com',
    },
    { name: 'admin@example.com', permissionSet: 'Power_User' },
  ],
  ['another account', { type: 'AWSAccount', accountId: '444455556666' }, { name: '444455556666' }],
  ['nobody', {}, { type: 'Unknown', name: 'unknown' }],
])('reads %s', (_, userIdentity, actor) => {
  expect(parseActor({ userIdentity })).toMatchObject(actor)
})

test.each<[string, JsonObject, Partial<Actor>]>([
  ['the console, as text', { sessionCredentialFromConsole: 'true' }, { console: true }],
  ['the console by its agent', { userAgent: 'console.amazonaws.com' }, { console: true }],
  ['no console', { userAgent: 'aws-cli/2.15.0' }, { console: false, userAgent: 'aws-cli/2.15.0' }],
  [
    "S3's brackets",
    { userAgent: '[S3Console/0.4, aws-internal/3]' },
    { console: true, userAgent: 'S3Console/0.4, aws-internal/3' },
  ],
  ['a service as source', { sourceIPAddress: 'rds.amazonaws.com' }, { sourceIp: 'rds.amazonaws.com' }],
])('reads %s', (_, record, actor) => {
  expect(parseActor(record)).toMatchObject(actor)
})

test('cuts what has no end', () => {
  expect(parseActor({ userAgent: 'x'.repeat(1e6) }).userAgent).toHaveLength(2048)
})
