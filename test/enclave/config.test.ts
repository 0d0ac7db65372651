import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { allowedHosts, ConfigError, parseConfig, type Config } from '../../enclave/config.ts'
import { isClean } from './core/thrown.ts'

type Raw = Readonly<Record<string, unknown>>

const state = { name: 'network', bucket: 'states', key: 'network.tfstate' }
const webhook = { type: 'webhook', name: 'on-call', url: 'https://hooks.example.com/x', secret: 'driftseal/webhook' }
const identity = {
  secret: 'driftseal/identity',
  trust_anchor: 'arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/5d0b-6f0c',
  profile: 'arn:aws:rolesanywhere:eu-west-1:111122223333:profile/c94e-1a27',
  role: 'arn:aws:iam::111122223333:role/path/driftseal',
}
const valid: Raw = {
  environment: 'production',
  region: 'eu-west-1',
  kms_key: 'arn:aws:kms:eu-west-1:111122223333:key/2f1c7e9a-4b60',
  dek_secret: 'driftseal/dek',
  queue: 'https://sqs.eu-west-1.amazonaws.com/111122223333/events',
  states: [state],
}

const writer = {
  name: 'ip-sets',
  reason: 'syncs',
  principals: ['*:role/waf'],
  writes: { aws_wafv2_ip_set: ['addresses'] },
}
const suppression = {
  name: 'legacy',
  owner: 'platform@example.com',
  reason: 'the migration',
  expires: '2026-03-31',
  match: { type: 'aws_s3_bucket', attribute: 'tags.*' },
}

const read = (over: Raw): Config => parseConfig(Buffer.from(stringify({ ...valid, ...over })))
const states = (count: number) => Array.from({ length: count }, (_, index) => ({ ...state, name: `state-${index}` }))
const sinks = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ type: 'console', name: `sink-${index}` }))

describe('a configuration', () => {
  it('needs little; the rest has its defaults', () => {
    expect(read({ sinks: [{ type: 'ndjson', name: 'log' }] })).toMatchObject({
      ...valid,
      states: [{ ...state, terraform_principals: [] }],
      queue_visibility_secs: 60,
      state_refresh_interval_secs: 60,
      dek_rotation_interval_secs: 300,
      terraform_hold_secs: 1800,
      sinks: [{ type: 'ndjson', format: 'finding', outcomes: ['drift', 'resolved', 'unmanaged', 'tamper'] }],
    })
    expect(read({})).toMatchObject({ sinks: [], writers: [], suppressions: [], driftignore: '' })
    expect(read({}).identity).toBeUndefined()
  })

  it.each<[string, Raw]>([
    ['the longest environment', { environment: 'e'.repeat(47) }],
    ['a region of a partition of its own', { region: 'us-gov-east-1' }],
    ['as many states as there may be', { states: states(1000) }],
    ['as many sinks as there may be', { sinks: sinks(16) }],
    ['the longest times', { queue_visibility_secs: 43_200, state_refresh_interval_secs: 86_400 }],
    ['the shortest times', { queue_visibility_secs: 1, state_refresh_interval_secs: 1, terraform_hold_secs: 1 }],
    ['a receiver on a port of its own', { sinks: [{ ...webhook, url: 'https://hooks.example.com:8443/x' }] }],
    ['an identity', { identity }],
    ['a ledger', { ledger: { bucket: 'ledger', prefix: 'driftseal/production/' } }],
    ['a ledger in S3', { ledger: { bucket: 'ledger', prefix: 'production/alerts/' } }],
    ['a ledger that has its bucket to itself', { ledger: { bucket: 'ledger' } }],
    ['a writer', { writers: [writer] }],
    ['a suppression until a day', { suppressions: [suppression] }],
    ['a suppression until a moment', { suppressions: [{ ...suppression, expires: '2026-03-31T12:00:00Z' }] }],
    ['an ignore file', { driftignore: '# ours\n*\n!aws_s3_bucket\n' }],
    ['a sink for what is suppressed', { sinks: [{ ...webhook, outcomes: ['suppressed'] }] }],
    ['looks for a new key at every second', { dek_rotation_interval_secs: 1 }],
  ])('takes %s', (_what, over) => {
    expect(read(over)).toMatchObject(over)
  })

  it.each<[string, Raw, RegExp]>([
    ['an unknown key', { debug: true }, /debug: /],
    ['an unknown key of a state', { states: [{ ...state, serial: 1 }] }, /states\.0\.serial: /],
    ['an unknown key of a sink', { sinks: [{ ...webhook, insecure: true }] }, /sinks\.0\.insecure: /],
    ['a sink of no known type', { sinks: [{ type: 'carrier-pigeon', name: 'x' }] }, /sinks\.0\.type: /],
    ['a writer by nobody', { writers: [{ ...writer, principals: [] }] }, /writers\.0: names neither/],
    ['a writer of nothing', { writers: [{ ...writer, writes: {} }] }, /writers\.0: neither writes/],
    ['a suppression of nobody’s', { suppressions: [{ ...suppression, owner: '' }] }, /suppressions\.0\.owner: /],
    [
      'a suppression without a reason',
      { suppressions: [{ ...suppression, reason: undefined }] },
      /suppressions\.0\.reason: /,
    ],
    [
      'a suppression for ever',
      { suppressions: [{ ...suppression, expires: undefined }] },
      /suppressions\.0\.expires: /,
    ],
    ['a day that is none', { suppressions: [{ ...suppression, expires: '2026-02-30x' }] }, /expires: expected YYYY/],
    ['a month that is none', { suppressions: [{ ...suppression, expires: '2026-13-01' }] }, /expires: expected YYYY/],
    [
      'a suppression of everything',
      { suppressions: [{ ...suppression, match: {} }] },
      /match: would suppress everything/,
    ],
    ['a suppression of an account', { suppressions: [{ ...suppression, match: { account: '*' } }] }, /would suppress/],
    [
      'two suppressions of one name',
      { suppressions: [suppression, suppression] },
      /two suppressions are called "legacy"/,
    ],
    ['no environment', { environment: undefined }, /environment: /],
    ['an environment that a CN cannot hold', { environment: 'e'.repeat(48) }, /environment: /],
    ['an environment in capitals', { environment: 'Production' }, /environment: expected a-z/],
    ['a region that is none', { region: 'eu_west' }, /region: expected an AWS region/],
    ['a key by alias', { kms_key: 'alias/driftseal' }, /kms_key: expected a key's ARN/],
    ['a key with something behind it', { kms_key: `${String(valid['kms_key'])}\nx` }, /kms_key: /],
    ['no secret', { dek_secret: '' }, /dek_secret: /],
    ['a queue over http', { queue: 'http://sqs.eu-west-1.amazonaws.com/1/q' }, /queue: expected an https:/],
    ['a queue that is no address', { queue: 'events' }, /queue: /],
    ['a queue of states that is no address', { state_queue: 'states' }, /state_queue: /],
    ['no state', { states: [] }, /states: /],
    ['a state too many', { states: states(1001) }, /states: /],
    ['a bucket that is none', { states: [{ ...state, bucket: 'a/b' }] }, /states\.0\.bucket: expected the name/],
    ['a name that is none', { states: [{ ...state, name: 'a b' }] }, /states\.0\.name: expected a-z/],
    ['a name too long', { states: [{ ...state, name: 'n'.repeat(64) }] }, /states\.0\.name: /],
    ['a key too long', { states: [{ ...state, key: 'k'.repeat(1025) }] }, /states\.0\.key: /],
    ['a sink too many', { sinks: sinks(17) }, /sinks: /],
    ['a webhook over http', { sinks: [{ ...webhook, url: 'http://hooks.example.com' }] }, /sinks\.0\.url: expected/],
    ['a webhook without a key', { sinks: [{ ...webhook, secret: undefined }] }, /sinks\.0\.secret: /],
    ['an outcome that no one hears of', { sinks: [{ ...webhook, outcomes: ['expected'] }] }, /sinks\.0\.outcomes\.0: /],
    ['no time', { queue_visibility_secs: 0 }, /queue_visibility_secs: /],
    ['more than SQS can hide', { queue_visibility_secs: 43_201 }, /queue_visibility_secs: /],
    ['more than a day', { state_refresh_interval_secs: 86_401 }, /state_refresh_interval_secs: /],
    ['a hold longer than SQS hides', { terraform_hold_secs: 43_201 }, /terraform_hold_secs: /],
    ['a part of a second', { terraform_hold_secs: 1.5 }, /terraform_hold_secs: /],
    ['a time in words', { terraform_hold_secs: '30m' }, /terraform_hold_secs: /],
    ['a ledger without a bucket', { ledger: { prefix: 'a/' } }, /ledger\.bucket: /],
    ['a prefix that is none', { ledger: { bucket: 'ledger', prefix: '/a' } }, /ledger\.prefix: expected a prefix/],
    ['a key that is never looked for', { dek_rotation_interval_secs: 0 }, /dek_rotation_interval_secs: /],
    ['an identity by half', { identity: { ...identity, role: undefined } }, /identity\.role: /],
    ['a role that is a user', { identity: { ...identity, role: 'arn:aws:iam::1:user/x' } }, /identity\.role: expected/],
    ['a ledger nowhere', { ledger: {} }, /ledger\.bucket: /],
    ['a ledger outside its folder', { ledger: { bucket: 'ledger', prefix: '/../x' } }, /ledger\.prefix: expected/],
    ['a ledger in a folder by half', { ledger: { bucket: 'ledger', prefix: 'x' } }, /ledger\.prefix: expected/],
    ['a state twice', { states: [state, state] }, /the name "network" is used twice/],
    ['one name for a state and a sink', { sinks: [{ ...webhook, name: 'network' }] }, /"network" is used twice/],
  ])('does not take %s', (_what, over, message) => {
    expect(() => read(over)).toThrow(ConfigError)
    expect(() => read(over)).toThrow(message)
  })

  it('names everything that is wrong at once', () => {
    expect(() => read({ region: 'x', queue: 'y', debug: true })).toThrow(/region: [^]*queue: [^]*debug: /)
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['too large', Buffer.alloc((1 << 20) + 1, ' '), /over 1048576 bytes/],
    ['not UTF-8', Buffer.of(0x61, 0x3a, 0xff), /is not YAML/],
    ['not YAML', Buffer.from('a: [b'), /is not YAML/],
    ['with a key twice', Buffer.from('region: a\nregion: b'), /is not YAML/],
    ['a bomb of aliases', Buffer.from(bomb()), /is not YAML/],
    ['a list', Buffer.from('- a'), /configuration refused/],
    ['empty', Buffer.alloc(0), /configuration refused/],
  ])('is not a file that is %s', (_what, bytes, message) => {
    expect(() => parseConfig(bytes)).toThrow(ConfigError)
    expect(() => parseConfig(bytes)).toThrow(message)
  })

  it('throws nothing but its own error', () => {
    const keys = fc.constantFrom(...Object.keys(valid), 'sinks', 'identity', 'x')
    const nearly = fc.dictionary(keys, fc.jsonValue()).map((over) => Buffer.from(stringify({ ...valid, ...over })))
    const text = fc.string().map((characters) => Buffer.from(characters))
    const anything = fc.oneof(fc.uint8Array({ maxLength: 64 }), text, nearly)
    fc.assert(
      fc.property(anything, (bytes) => {
        expect(isClean(() => parseConfig(bytes), ConfigError)).toBe(true)
      }),
    )
  })
})

/** Nine levels, each ten times the one before. */
function bomb(): string {
  const level = (name: string, inner: string) => `${name}: &${name} [${Array(10).fill(inner).join(', ')}]`
  return 'abcdefghi'
    .split('')
    .map((name, index, all) => level(name, index === 0 ? 'x' : `*${all[index - 1]}`))
    .join('\n')
}

describe('the hosts that may be connected to', () => {
  const aws = ['kms', 'monitoring', 'secretsmanager', 'sqs'].map((service) => `${service}.eu-west-1.amazonaws.com`)
  it.each<[string, Raw, readonly string[]]>([
    ['of a state', {}, [...aws, 'states.s3.eu-west-1.amazonaws.com']],
    [
      'of a bucket that no certificate of its own can speak for',
      { states: [{ ...state, bucket: 'states.example.com' }] },
      [...aws, 's3.eu-west-1.amazonaws.com'],
    ],
    [
      'of a ledger',
      { ledger: { bucket: 'ledger' } },
      [...aws, 'states.s3.eu-west-1.amazonaws.com', 'ledger.s3.eu-west-1.amazonaws.com'],
    ],
    [
      'of two states in one bucket',
      { states: [state, { ...state, name: 'other' }] },
      [...aws, 'states.s3.eu-west-1.amazonaws.com'],
    ],
    [
      'of an identity',
      { identity },
      [...aws, 'rolesanywhere.eu-west-1.amazonaws.com', 'states.s3.eu-west-1.amazonaws.com'],
    ],
    [
      'of sinks: a webhook’s, as it is written in a URL, and no other’s',
      {
        sinks: [
          { ...webhook, url: 'https://Hooks.Example.com:443/x' },
          { type: 'console', name: 'c' },
        ],
      },
      [...aws, 'states.s3.eu-west-1.amazonaws.com', 'hooks.example.com'],
    ],
    [
      'of a ledger in S3',
      { ledger: { bucket: 'ledger' } },
      [...aws, 'states.s3.eu-west-1.amazonaws.com', 'ledger.s3.eu-west-1.amazonaws.com'],
    ],
    [
      'of a webhook on a port of its own',
      { sinks: [{ ...webhook, url: 'https://hooks.example.com:8443/x' }] },
      [...aws, 'states.s3.eu-west-1.amazonaws.com', 'hooks.example.com:8443'],
    ],
    [
      'of a queue behind an endpoint of its own',
      { queue: 'https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1/q' },
      [...aws.slice(0, 3), 'vpce-1.sqs.eu-west-1.vpce.amazonaws.com', 'states.s3.eu-west-1.amazonaws.com'],
    ],
    [
      'of the queue that tells of states, where it is elsewhere',
      { state_queue: 'https://vpce-2.sqs.eu-west-1.vpce.amazonaws.com/1/s' },
      [...aws, 'vpce-2.sqs.eu-west-1.vpce.amazonaws.com', 'states.s3.eu-west-1.amazonaws.com'],
    ],
  ])('are those %s', (_what, over, hosts) => {
    expect([...allowedHosts(read(over))].sort()).toEqual([...hosts].sort())
  })
})
