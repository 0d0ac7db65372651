import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Finding } from '../../../../enclave/core/finding.ts'
import { predicate, PREDICATES, type PredicateName } from '../../../../enclave/core/native/predicates.ts'
import { changed, subject } from './subject.ts'

const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Principal: unknown, Action: unknown = 's3:GetObject', more: object = {}) => ({
  Effect: 'Allow',
  Principal,
  Action,
  Resource: '*',
  ...more,
})
const account = { AWS: 'arn:aws:iam::111122223333:root' }
const mine = policy(allow(account))
const orgOnly = { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-example' } } }
const encrypted = { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }
const anyIp = { Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } }
const deny = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' }
const identity = (Action: unknown, Resource: unknown = '*') => ({ Effect: 'Allow', Action, Resource })
const port = (from: number, to: number, cidr = '0.0.0.0/0') => ({
  protocol: 'tcp',
  from_port: from,
  to_port: to,
  cidr_blocks: [cidr],
})

type Changes = Finding['changes']
const CASES: readonly [PredicateName, Changes, boolean][] = [
  ['became_public', { policy: [mine, policy(allow('*'))] }, true],
  ['became_public', { policy: [mine, policy(allow({ AWS: ['*'] }))] }, true],
  ['became_public', { policy: [null, policy(allow('*', 's3:*', encrypted))] }, true],
  ['became_public', { policy: [mine, policy(allow('*', 's3:*', anyIp))] }, true],
  [
    'became_public',
    { policy: [mine, policy({ ...allow(account), Principal: undefined, NotPrincipal: account })] },
    true,
  ],
  ['became_public', { policy: [mine, policy(allow('*', 's3:*', orgOnly))] }, false],
  ['became_public', { policy: [mine, policy(deny)] }, false],
  ['became_public', { policy: [policy(allow('*')), policy(allow('*', 's3:*'))] }, false],
  ['became_public', { policy: [mine, 'no policy'] }, false],
  ['became_public', { acl: ['private', 'public-read'] }, true],
  ['became_public', { acl: ['public-read', 'private'] }, false],
  ['became_public', { block_public_acls: [true, false] }, true],
  ['became_public', { block_public_acls: [null, false] }, true],
  ['became_public', { block_public_acls: [false, true] }, false],
  ['became_public', { publicly_accessible: [false, true] }, true],
  ['became_public', { members: [['user:admin@example.com'], ['user:admin@example.com', 'allUsers']] }, true],
  ['opened_to_world', { source_ranges: [['10.0.0.0/8'], ['0.0.0.0/0']] }, true],
  ['opened_to_world', { source_ranges: [['10.0.0.0/8'], ['0.0.0.0/1', '128.0.0.0/1']] }, true],
  ['opened_to_world', { source_ranges: [['10.0.0.0/8'], ['11.0.0.0/8']] }, false],
  ['opened_to_world', { source_ranges: [['0.0.0.0/0'], ['0.0.0.0/0', '10.0.0.0/8']] }, false],
  ['opened_to_world', { cidr_ipv6: [null, '::/0'] }, true],
  ['opened_to_world', { cidr_ipv6: [null, '2001:db8::/32'] }, false],
  ['opened_to_world', { ingress: [[port(443, 443)], [port(443, 443), port(22, 22)]] }, true],
  ['opened_to_world', { ingress: [[port(443, 443)], [port(443, 443)]] }, false],
  ['opened_to_world', { ingress: [[], [{ ...port(22, 22, '10.0.0.0/8'), description: '0.0.0.0/0' }]] }, false],
  ['opened_to_world', { description: ['', '0.0.0.0/0'] }, false],
  ['encryption_disabled', { storage_encrypted: [true, false] }, true],
  ['encryption_disabled', { kms_key_id: ['arn:aws:kms:eu-west-1:111122223333:key/1', null] }, true],
  ['encryption_disabled', { kms_key_id: ['arn:aws:kms:eu-west-1:111122223333:key/1', 'alias/aws/ebs'] }, false],
  ['encryption_disabled', { storage_encrypted: [false, true] }, false],
  ['logging_disabled', { enable_logging: [true, false] }, true],
  ['logging_disabled', { enabled_cluster_log_types: [['api', 'audit'], ['api']] }, true],
  ['logging_disabled', { enabled_cluster_log_types: [['api'], ['api', 'audit']] }, false],
  ['deletion_protection_disabled', { deletion_protection: [true, false] }, true],
  ['deletion_protection_disabled', { deletion_protection: [false, true] }, false],
  ['policy_widened', { policy: [policy(identity('s3:GetObject')), policy(identity('s3:*'))] }, true],
  ['policy_widened', { policy: [policy(identity('s3:*')), policy(identity('s3:GetObject'))] }, false],
  ['policy_widened', { policy: [policy(identity('s3:*', 'a')), policy(identity('s3:*', 'b'))] }, true],
  ['policy_widened', { policy: [policy(deny, allow('*')), policy(allow('*'))] }, true],
  ['policy_widened', { policy: [policy(allow('*', 's3:*', orgOnly)), policy(allow('*', 's3:*'))] }, true],
  ['policy_widened', { policy: [policy(allow('*', 's3:*')), policy(allow('*', 's3:*', orgOnly))] }, false],
  ['policy_widened', { policy: [mine, policy({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' })] }, true],
  ['policy_widened', { policy: [null, mine] }, true],
  ['trust_widened', { assume_role_policy: [mine, policy(allow({ AWS: '444455556666' }))] }, true],
  ['trust_widened', { assume_role_policy: [mine, policy(allow({ AWS: '111122223333' }, 'sts:TagSession'))] }, false],
  ['admin_granted', { policy: [null, policy(identity('*'))] }, true],
  ['admin_granted', { policy: [null, policy(identity('*', 'arn:aws:s3:::a'))] }, false],
  ['admin_granted', { policy_arn: [null, 'arn:aws:iam::aws:policy/AdministratorAccess'] }, true],
  ['admin_granted', { policy_arn: [null, 'arn:aws:iam::aws:policy/ReadOnlyAccess'] }, false],
  ['retention_lowered', { retention_in_days: [90, 7] }, true],
  ['retention_lowered', { retention_in_days: [0, 7] }, true],
  ['retention_lowered', { retention_in_days: [7, 0] }, false],
  ['retention_lowered', { backup_retention_period: [7, 0] }, true],
  ['backup_disabled', { backup_retention_period: [7, 0] }, true],
  ['backup_disabled', { 'versioning_configuration.status': ['Enabled', 'Suspended'] }, true],
  ['backup_disabled', { 'versioning_configuration.status': ['Suspended', 'Enabled'] }, false],
  ['key_rotation_disabled', { enable_key_rotation: [true, false] }, true],
  ['key_rotation_disabled', { enable_key_rotation: [false, true] }, false],
  ['imdsv1_allowed', { 'metadata_options.http_tokens': ['required', 'optional'] }, true],
  ['imdsv1_allowed', { 'metadata_options.http_tokens': ['optional', 'required'] }, false],
  ['tags_became_mutable', { image_tag_mutability: ['IMMUTABLE', 'MUTABLE_WITH_EXCLUSION'] }, true],
  ['tags_became_mutable', { image_tag_mutability: ['MUTABLE', 'IMMUTABLE'] }, false],
  ['scanning_disabled', { 'image_scanning_configuration.scan_on_push': [true, false] }, true],
  ['scanning_disabled', { 'image_scanning_configuration.scan_on_push': [false, true] }, false],
]

test.each(CASES)('%s of %j: %s', (name, changes, holds) => {
  expect(predicate(name, {})(changed(changes))).toBe(holds)
})

const byText = (a = '', b = '') => a.localeCompare(b)

test('every predicate has a case that holds and one that does not', () => {
  const seen = (holds: boolean) => new Set(CASES.filter((one) => one[2] === holds).map(([name]) => name))
  expect([...seen(true)].toSorted(byText)).toEqual(Object.keys(PREDICATES).toSorted(byText))
  expect([...seen(false)].toSorted(byText)).toEqual(Object.keys(PREDICATES).toSorted(byText))
})

test('what a suspected change does not show is not guessed', () => {
  const hidden = subject({ suspected: ['deletion_protection'], changes: { deletion_protection: [true, null] } })
  expect(predicate('deletion_protection_disabled', {})(hidden)).toBe(false)
})

test.each([
  ['logging_disabled', 'aws_cloudtrail', true],
  ['logging_disabled', 'aws_instance', false],
  ['became_public', 'aws_s3_bucket_public_access_block', true],
  ['deletion_protection_disabled', 'aws_db_instance', false],
] as const)('%s by the deletion of a %s: %s', (name, type, holds) => {
  const resource = { type, id: 'a', address: `${type}.a`, state: 'prod' }
  expect(predicate(name, {})(subject({ kind: 'deleted', changes: {}, resource }))).toBe(holds)
})

const SSH = [{ from: 22, to: 22 }]
test.each([
  ['a block with the port', { ingress: [[], [port(20, 25)]] }, {}, true],
  ['a block without it', { ingress: [[], [port(443, 443)]] }, {}, false],
  [
    'a block with all',
    { ingress: [[], [{ protocol: '-1', from_port: 0, to_port: 0, cidr_blocks: ['::/0'] }]] },
    {},
    true,
  ],
  ['a ping', { ingress: [[], [{ protocol: 'icmp', from_port: 22, to_port: -1, cidr_blocks: ['::/0'] }]] }, {}, false],
  ['the port opened to a neighbour', { ingress: [[], [port(22, 22, '10.0.0.0/8'), port(443, 443)]] }, {}, false],
  ['a rule of its own', { cidr_ipv4: [null, '0.0.0.0/0'] }, { ip_protocol: 'tcp', from_port: 22, to_port: 22 }, true],
  ['one that says nothing of ports', { cidr_ipv4: [null, '0.0.0.0/0'] }, {}, false],
  ["Google's lists", { source_ranges: [[], ['0.0.0.0/0']] }, { allow: [{ protocol: 'tcp', ports: ['20-25'] }] }, true],
  ["Google's, all ports", { source_ranges: [[], ['0.0.0.0/0']] }, { allow: [{ protocol: 'tcp', ports: [] }] }, true],
  ["Google's, others", { source_ranges: [[], ['0.0.0.0/0']] }, { allow: [{ protocol: 'tcp', ports: ['80'] }] }, false],
] as const)('ports: %s', (_, changes, attributes, holds) => {
  expect(predicate('opened_to_world', { ports: SSH })(changed(changes, attributes))).toBe(holds)
})

test('an attribute that no table has is looked at in the plain sense', () => {
  expect(predicate('encryption_disabled', { attribute: 'secure' })(changed({ secure: [true, false] }))).toBe(true)
  expect(predicate('encryption_disabled', { attribute: 'secure' })(changed({ storage_encrypted: [true, false] }))).toBe(
    false,
  )
})

test('docs/rules.md says what each means', () => {
  const page = readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')
  const rows = Array.from(page.matchAll(/^\| `(\w+)` +\|/gm), ([, name]) => name)
  expect(rows.filter((name) => Object.hasOwn(PREDICATES, name ?? '')).toSorted(byText)).toEqual(
    Object.keys(PREDICATES).toSorted(byText),
  )
})
