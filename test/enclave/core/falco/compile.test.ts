import { describe, expect, test } from 'vitest'
import { compile } from '../../../../enclave/core/falco/compile.ts'
import { parseCondition } from '../../../../enclave/core/falco/condition.ts'
import { views } from '../../../../enclave/core/falco/fields.ts'
import { plainText, RuleError } from '../../../../enclave/core/falco/source.ts'
import { ANY_SOURCE } from '../../../../enclave/core/falco/sources.ts'
import { defined, type Json } from '../../../../enclave/core/json.ts'
import type { Finding } from '../../../../enclave/core/finding.ts'
import { subject } from './subject.ts'

const predicate = (condition: string, source = ANY_SOURCE) => compile(parseCondition(plainText(condition)), source)
const matches = (condition: string, finding: Partial<Finding> = {}, record: Json = {}) =>
  views(subject(finding, record)).some(predicate(condition))
const runInstances = {
  additionalEventData: { bytesTransferredIn: 60, bytesTransferredOut: 40.0 },
  responseElements: { instancesSet: { items: [{ imageId: 'ami-1' }, { imageId: 'ami-2' }] } },
}

describe('fields', () => {
  test.each([
    'cloud.provider = aws',
    'cloud.service = ecr',
    'cloud.operation = PutImageTagMutability and evt.name = PutImageTagMutability',
    'cloud.resource = my-app-repo',
    'cloud.user = admin@example.com',
    'cloud.region = eu-west-1 and cloud.account = 111122223333',
    'drift.verdict = confirmed and drift.kind = changed',
    `drift.address = 'module.app.aws_ecr_repository.this["api"]' and drift.state = prod`,
    'terraform.type = aws_ecr_repository',
    'drift.attribute = image_tag_mutability and drift.old_value = IMMUTABLE and drift.new_value = MUTABLE',
    'drift.changes.image_tag_mutability = MUTABLE',
    'drift.changes["image_tag_mutability"] = MUTABLE',
  ])('%s', (condition) => {
    expect(matches(condition)).toBe(true)
  })

  const changes = {
    'tags.Name': ['a', 'b'],
    'tags["example.com/x"]': ['1', '2'],
    'setting[2].value': [1, 20],
    'setting[2]': [{ value: 1 }, { value: 20, name: 'x' }],
    encrypted: [true, false],
    kms_key: ['k', null],
  } as const
  test.each([
    ['drift.changes.tags.Name = b', true],
    ['drift.changes.tags[Name] = b', true],
    ['drift.changes.tags["example.com/x"] = 2', true],
    ['drift.changes["setting[2].value"] = 20', true],
    [`drift.changes.setting[2] = '{"name":"x","value":20}'`, true],
    ['drift.changes.encrypted = false', true],
    ['drift.changes.kms_key exists', false],
    ['drift.changes.absent exists', false],
    ['drift.changes.constructor exists', false],
    // Old value, new value and attribute are of the same change.
    ['drift.attribute = encrypted and drift.new_value = false', true],
    ['drift.attribute = kms_key and drift.new_value = false', false],
    ['drift.attribute = kms_key and drift.old_value = k and not drift.new_value exists', true],
  ])('%s is %s among several changes', (condition, expected) => {
    expect(matches(condition, { changes })).toBe(expected)
  })
})

describe('a missing value makes every check false', () => {
  const missing = { resource: null, verdict: null, changes: {} }
  test.each([
    ['terraform.type exists', false],
    ['terraform.type = x', false],
    ['terraform.type != x', false],
    ['not terraform.type = x', true],
    ['drift.verdict in ()', false],
    ['drift.verdict != allof (x)', false],
    ['drift.attribute exists', false],
    ['drift.new_value < 1', false],
    ['cloud.service = ecr', true],
  ])('%s is %s', (condition, expected) => {
    expect(matches(condition, missing)).toBe(expected)
  })
})

describe('operators', () => {
  test.each([
    ['my/App.repo', '= my/App.repo', true],
    ['my/App.repo', '== my/app.repo', false],
    ['my/App.repo', '!= my/app.repo', true],
    ['my/App.repo', 'contains App', true],
    ['my/App.repo', 'contains ""', true],
    ['my/App.repo', 'contains app', false],
    ['my/App.repo', 'icontains aPP', true],
    ['\u{212a}', 'icontains k', false],
    ['my/App.repo', 'startswith my/', true],
    ['my/App.repo', 'endswith .repo', true],
    ['my/App.repo', 'in (a, my/App.repo)', true],
    ['my/App.repo', 'in ()', false],
    ['my/App.repo', 'in a', false],
    ['my/App.repo', 'intersects (a, my/App.repo)', true],
    // globs cover the whole value, and a star crosses slashes
    ['my/App.repo', 'glob my*repo', true],
    ['my/App.repo', 'glob App*', false],
    ['my/App.repo', 'glob "my?[A-C]pp.rep[!a]"', true],
    ['my/App.repo', 'iglob MY*REPO', true],
    ['a.b', 'glob a?b', true],
    ['axb', 'glob a.b', false],
    ['a\nb', 'glob a*b', true],
    ['a*b', String.raw`glob a\*b`, true],
    ['axb', String.raw`glob a\*b`, false],
    ['a]b', 'glob a[]x]b', true],
    ['a-b', 'glob a[x-]b', true],
    ['a^b', 'glob a[x^]b', true],
    ['a7b', 'glob a[[:digit:]]b', true],
    ['[ab', 'glob [ab', true],
    ['\u{1f600}b', 'glob ?b', true],
    // regular expressions cover the whole value
    ['my/App.repo', "regex 'my/.*'", true],
    ['my/App.repo', 'regex my', false],
    ['my/App.repo', "regex 'App|my/App[.]repo'", true],
    // a path is matched by whole components
    ['/etc/ssl/key', 'pmatch (/etc/ssl)', true],
    ['/etc/ssl2/key', 'pmatch (/etc/ssl)', false],
    ['/etc', 'pmatch (/etc/ssl, /var)', false],
    ['/etc/ssl/key', 'pmatch (/*/ssl)', true],
    ['/etc/ssl/key', 'pmatch (/)', true],
    // modifiers
    ['abc', 'contains anyof (x, b)', true],
    ['abc', 'contains allof (a, b)', true],
    ['abc', 'contains allof (a, x)', false],
    ['abc', 'contains oneof (a, x)', true],
    ['abc', 'contains oneof (a, b)', false],
    ['abc', '!= allof (a, b)', true],
    ['abc', '= anyof ()', false],
    ['abc', '!= allof ()', false],
  ])('%j %s is %s', (id, check, expected) => {
    const resource = { type: 'aws_ecr_repository', id, address: null, state: null }
    expect(matches(`cloud.resource ${check}`, { resource })).toBe(expected)
  })

  test.each([
    [9, '< 10', true],
    ['9', '< 10', true],
    [10, '<= 10', true],
    [-1.5, '>= -1.5', true],
    [300, '> 0xff', true],
    [10, '> 10', false],
    ['', '< 10', false],
    ['many', '> 1', false],
    [true, '> 0', false],
  ])('an attribute of %j %s as numbers is %s', (now, check, expected) => {
    expect(matches(`drift.new_value ${check}`, { changes: { size: [1, now] } })).toBe(expected)
  })

  test.each([
    ['s3.bytes', '> 99', true],
    ['s3.bytes', '< 0x64', false],
    ['s3.bytes', 'in (5, 100)', true],
    ['s3.bytes', '!= 100', false],
    ['evt.num', '= +1', true],
    ['evt.is_async', '= false', true],
    ['evt.is_async', '!= allof (true)', true],
    ['cloud.ip', '= 192.0.2.7', true],
    ['cloud.ip', 'in (192.0.2.8, 2001:db8::1)', false],
    ['cloud.net', '= 192.0.2.0/24', true],
    ['cloud.net', '!= "2001:db8::/32"', true],
    ['cloud.net', 'in (10.0.0.0/8, 192.0.2.0/29)', true],
    ['ec2.imageids', 'in (ami-1, ami-2, ami-3)', true],
    ['ec2.imageids', 'in (ami-1)', false],
    ['ec2.imageids', 'intersects (ami-2, ami-9)', true],
    ['ec2.imageids[1]', 'intersects (ami-1)', false],
    ['ec2.imageids[7]', 'exists', false],
    ['ec2.imageids', 'exists', true],
  ])('%s %s is %s', (field, check, expected) => {
    expect(matches(`${field} ${check}`, {}, runInstances)).toBe(expected)
  })

  test('other fields compare with < as text, as in Falco', () => {
    expect(matches('cloud.account < 2')).toBe(true)
    expect(matches('cloud.account > 2')).toBe(false)
  })
})

describe('transformers', () => {
  test.each([
    ['toupper(cloud.service) = ECR', true],
    ['tolower(toupper(cloud.service)) = ecr', true],
    ['basename(cloud.user) = admin@example.com', true],
    ['basename(terraform.type) = val(terraform.type)', true],
    ['b64("aGVsbG8") = hello', true],
    ['b64("aGVsbG8=") = "hello"', true],
    ['b64("not base64!") != x', false],
    ['len(cloud.service) = 3', true],
    ['len("\u00e9") = 2', true],
    ['len(ec2.imageids) > 1', true],
    ['join("-", (cloud.service, "x", 1)) = ecr-x-1', true],
    ['join(",", ec2.imageids) = "ami-1,ami-2"', true],
    ['join("-", (cloud.service, ct.error)) exists', false],
    ['concat(cloud.service, "/", cloud.region) = ecr/eu-west-1', true],
    ['concat(cloud.service, ct.error) exists', false],
    ['tolower(ct.error) != x', false],
    ['tolower(ec2.imageids) intersects (ami-1)', true],
    ['getopt(("-nt", "5", "x"), "nt:") in (n, t, 5)', true],
    ['getopt(("-n", "--long", "-t5"), "nt:")[t] = 5', true],
    ['getopt(("-x", "-n"), "n") intersects ("?")', true],
    ['getopt(("-t"), "t:")[t] = ""', true],
    ['getopt(("-n", "--", "-t"), "nt")[t] exists', false],
    ['getopt(("word", "-n"), "n") exists', false],
    // a right-hand side that is read
    ['cloud.service = val(cloud.service)', true],
    ['cloud.service != val(ct.error)', false],
    ['cloud.user startswith val(cloud.user)', true],
    ['cloud.user glob val(drift.new_value)', false],
    ['cloud.service in val(cloud.service)', true],
    ['s3.bytes >= val(evt.num)', true],
    ['cloud.user contains tolower("ADMIN")', true],
  ])('%s is %s', (condition, expected) => {
    expect(matches(condition, {}, runInstances)).toBe(expected)
  })

  test.each([
    [
      'cloud.user startswith val(ct.name)',
      ['admin', 'root', 'admin', undefined, 'adm'],
      [true, false, true, false, true],
    ],
    ['ct.name icontains "a"', ['A', 'b', 'A', 'cAt', 'cut'], [true, false, true, true, false]],
  ])('%s looks at each event anew', (condition, names, expected) => {
    const holds = predicate(condition)
    const found = names.map((eventName) => views(subject({}, defined({ eventName }))).some(holds))
    expect(found).toEqual(expected)
  })

  test('a pattern out of an event is no mistake of the rule, nor may it cost much', () => {
    for (const pattern of ['[z-a]', '*'.repeat(5000)])
      expect(matches('cloud.user glob val(drift.new_value)', { changes: { a: ['', pattern] } })).toBe(false)
  })
})

describe('and, or, not', () => {
  test.each([
    ['cloud.service = ecr and cloud.user = nobody', false],
    ['cloud.service = ecr or cloud.user = nobody', true],
    ['not (cloud.service = s3 or cloud.user = nobody)', true],
    ['not cloud.service = ecr', false],
  ])('%s is %s', (condition, expected) => {
    expect(matches(condition)).toBe(expected)
  })
})

describe('is refused at load', () => {
  test.each([
    ['cloud.servce = ecr', 'ERR_RULE_FIELD', '1:1'],
    ['cloud.service = ecr and evt.nam = x', 'ERR_RULE_FIELD', '1:25'],
    ['constructor.name = x', 'ERR_RULE_FIELD', '1:1'],
    ['some_macro', 'ERR_RULE_MACRO', '1:1'],
    // arguments
    ['drift.changes = x', 'ERR_RULE_TYPE', '1:1'],
    ['cloud.service[0] = ecr', 'ERR_RULE_TYPE', '1:1'],
    ['json.value = x', 'ERR_RULE_TYPE', '1:1'],
    ['ec2.imageids[x] in (a)', 'ERR_RULE_TYPE', '1:1'],
    ['ec2.imageids[01] in (a)', 'ERR_RULE_TYPE', '1:1'],
    // operators against types
    ['cloud.service bcontains 65', 'ERR_RULE_TYPE', '1:1'],
    ['s3.bytes contains 1', 'ERR_RULE_TYPE', '1:1'],
    ['s3.bytes = oneof (1, x)', 'ERR_RULE_TYPE', '1:18'],
    ['evt.is_async > 1', 'ERR_RULE_TYPE', '1:1'],
    ['cloud.ip startswith 10', 'ERR_RULE_TYPE', '1:1'],
    ['ec2.imageids = ami-1', 'ERR_RULE_TYPE', '1:1'],
    ['ec2.imageids pmatch (a)', 'ERR_RULE_TYPE', '1:1'],
    // values against types
    ['s3.bytes = many', 'ERR_RULE_TYPE', '1:12'],
    ['s3.bytes > 1.5', 'ERR_RULE_TYPE', '1:12'],
    ['evt.num = 123456789012345678901', 'ERR_RULE_TYPE', '1:11'],
    ['evt.is_async = yes', 'ERR_RULE_TYPE', '1:16'],
    ['cloud.ip = 300.0.0.1', 'ERR_RULE_TYPE', '1:12'],
    ['cloud.net = 10.0.0.0', 'ERR_RULE_TYPE', '1:13'],
    ['cloud.net in (10.0.0.0/33)', 'ERR_RULE_TYPE', '1:14'],
    // transformers
    ['tolower(cloud.servce) = ecr', 'ERR_RULE_FIELD', '1:9'],
    ['tolower(s3.bytes) = 1', 'ERR_RULE_TYPE', '1:1'],
    ['tolower(cloud.user, cloud.user) = x', 'ERR_RULE_TYPE', '1:1'],
    ['tolower(cloud.user)[0] = x', 'ERR_RULE_TYPE', '1:1'],
    ['len(s3.bytes) = 1', 'ERR_RULE_TYPE', '1:1'],
    ['len(cloud.user) startswith 1', 'ERR_RULE_TYPE', '1:1'],
    ['join("-", cloud.user) = x', 'ERR_RULE_TYPE', '1:1'],
    ['join((cloud.user), (cloud.user)) = x', 'ERR_RULE_TYPE', '1:1'],
    ['concat("a") = x', 'ERR_RULE_TYPE', '1:1'],
    ['concat("a", s3.bytes) = x', 'ERR_RULE_TYPE', '1:1'],
    ['getopt(cloud.user, "n") intersects (n)', 'ERR_RULE_TYPE', '1:1'],
    ['getopt(("-n"), "n")[nn] = n', 'ERR_RULE_TYPE', '1:1'],
    ['cloud.user = val(s3.bytes)', 'ERR_RULE_TYPE', '1:14'],
    ['cloud.user in val(ec2.imageids)', 'ERR_RULE_TYPE', '1:15'],
    ['cloud.user regex val(cloud.account)', 'ERR_RULE_TYPE', '1:18'],
    ['cloud.user pmatch val(cloud.account)', 'ERR_RULE_TYPE', '1:19'],
    ["cloud.service regex 'a('", 'ERR_RULE_SYNTAX', '1:21'],
    ["cloud.service regex '(?=a)b'", 'ERR_RULE_SYNTAX', '1:21'],
    ['cloud.service glob [z-a]', 'ERR_RULE_SYNTAX', '1:20'],
  ])('%s: %s at %s', (condition, code, position) => {
    expect(() => predicate(condition)).toThrow(RuleError)
    expect(() => predicate(condition)).toThrow(expect.objectContaining({ code }))
    expect(() => predicate(condition)).toThrow(new RegExp(`^${position}: `))
  })
})
