import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePolicies } from '../../../../enclave/core/native/rules.ts'
import type { Subject } from '../../../../enclave/core/rule.ts'
import { by, changed, subject } from './subject.ts'

const parse = (text: string) => parsePolicies([{ name: 'rules.yaml', text }])
const resource = (type: string) => ({ type, id: 'i-0abc', address: `${type}.web`, state: 'prod' })

const page = readFileSync(new URL('../../../../rules/policies/reference.yaml', import.meta.url), 'utf8')
const { rules, mistakes } = parse(page)

const of = (type: string, seen: Subject): Subject => ({
  ...seen,
  finding: { ...seen.finding, resource: resource(type) },
})
const off = { disable_api_termination: [true, false] } as const
const production = { tags: { Environment: 'production' } }
const terraform = { type: 'AssumedRole', principalId: 'AIDAIEXAMPLETERRAFORM' }

describe("the architecture page's rules", () => {
  test('load as they stand there', () => {
    expect(mistakes).toEqual([])
    expect(rules.map(({ id, name, severity }) => [id, name, severity])).toEqual([
      ['aws-001', 'EC2 Termination Protection Disabled', 'critical'],
      ['aws-002', 'IAM Policy Modification', 'high'],
      ['gcp-001', 'GCP Firewall Rule Modification', 'critical'],
      ['gcp-002', 'GCS Bucket IAM Policy Change', 'high'],
    ])
  })

  test.each([
    ['aws-001', of('aws_instance', changed(off, production)), true],
    ['aws-001', of('aws_instance', changed(off, { tags: { Environment: 'dev' } })), false],
    ['aws-001', of('aws_instance', changed({ disable_api_termination: [false, true] }, production)), false],
    ['aws-001', of('aws_spot_instance_request', changed(off, production)), false],
    ['aws-002', of('aws_iam_role_policy', changed({ policy: ['{}', '{"a":1}'] })), true],
    ['aws-002', of('aws_iam_role', changed({ policy: ['{}', '{"a":1}'] })), false],
    ['aws-002', of('aws_iam_policy', by(terraform, { changes: { policy: [null, '{}'] } })), false],
    [
      'aws-002',
      of('aws_iam_policy', by({ ...terraform, type: 'IAMUser' }, { changes: { policy: [null, '{}'] } })),
      true,
    ],
    ['gcp-001', of('google_compute_firewall', changed({ source_ranges: [[], ['0.0.0.0/0']] })), true],
    ['gcp-001', of('google_compute_firewall', changed({ allowed: [[], [{ protocol: 'tcp' }]] })), true],
    ['gcp-001', of('google_compute_firewall', changed({ description: ['', 'x'] })), false],
    ['gcp-002', of('google_storage_bucket_iam_binding', changed({ members: [[], ['allUsers']] })), true],
  ])('%s', (id, seen, holds) => {
    expect(rules.find((rule) => rule.id === id)?.matches(seen)).toBe(holds)
  })

  test('carry their actions, remediation and runbook into the finding', () => {
    const [rule] = rules
    const seen = of('aws_instance', changed(off, production))
    expect(rule?.message(seen)).toBe(
      'EC2 Termination Protection Disabled (resource=aws_instance.web user=admin@example.com)',
    )
    expect(rule?.advice?.(seen)).toEqual({
      actions: [
        { type: 'alert', channels: ['slack', 'pagerduty'] },
        { type: 'create_ticket', system: 'jira' },
      ],
      remediation: [
        'Review change with user who made the modification',
        'Re-enable termination protection if unauthorized',
        'Run: aws ec2 modify-instance-attribute --instance-id i-0abc --disable-api-termination',
      ],
      runbook: 'https://wiki.example.com/runbooks/ec2-termination-protection',
      references: { mitre: ['T1485'] },
    })
  })
})

const rule = (body: string) => parse(`rules:\n  - { id: r, name: R, severity: low, ${body} }`)

test.each([
  ['resource_types: [aws_iam_*]', of('aws_iam_role', subject({})), true],
  ['resource_types: [aws_iam_*]', of('aws_instance', subject({})), false],
  ['resource_types: [aws_*]', subject({ resource: null }), false],
  ['events: [ecr:PutImageTagMutability]', subject({}), true],
  ['events: [ecr:PutImage*]', subject({}), true],
  ['events: ["*:PutImageTagMutability"]', subject({}), true],
  ['events: [s3:PutImageTagMutability]', subject({}), false],
  ['kinds: [deleted], resource_types: ["*"]', subject({ kind: 'deleted', changes: {} }), true],
  ['kinds: [deleted], resource_types: ["*"]', subject({}), false],
  ['outcomes: [unmapped], events: ["*:*"]', subject({ outcome: 'unmapped', resource: null }), true],
  ['outcomes: [unmapped], events: ["*:*"]', subject({}), false],
  ['conditions: [{ field: actor.type, operator: equals, value: IAMUser }]', subject({ resource: null }), true],
])('%s', (body, seen, holds) => {
  const { rules: made, mistakes: wrong } = rule(body)
  expect(wrong).toEqual([])
  expect(made.map((one) => one.matches(seen))).toEqual([holds])
})

test('a rule says what it can reach, unless a pattern hides it', () => {
  expect(rule('resource_types: [aws_a, aws_b]').rules[0]?.reach).toEqual({ types: new Set(['aws_a', 'aws_b']) })
  expect(rule('events: [kms:A, iam:B]').rules[0]?.reach).toEqual({
    services: new Set(['kms', 'iam']),
    events: new Set(['A', 'B']),
  })
  expect(rule('resource_types: [aws_*], events: ["kms:*"]').rules[0]?.reach).toEqual({ services: new Set(['kms']) })
})

test('a disabled rule is checked and left out', () => {
  expect(rule('enabled: false, resource_types: [a]')).toEqual({ rules: [], mistakes: [] })
  expect(rule('enabled: false, resource_types: [a], runbook: x').mistakes).toHaveLength(1)
})

const WRONG = `rules:
  - id: a b
    nam: x
    severity: grave
    conditions:
      - attribute: x
        operator: changd
      - all:
          - attribute: y
            operator: matches
            value: '('
  - id: x
    name: X
    severity: high
    resource_types: [aws_instance]
    remediation: ['do {instance_id}', 'do {foo}', 'do {']
    runbook: http://wiki.example.com
  - id: w
    name: W
    severity: high
    filters: [{ user_identity: {}, action: skip }]
  - { id: y, name: Y, severity: low, resource_types: [a] }
  - { id: y, name: Y, severity: low, resource_types: [a], remediation: ['{role_id}'] }
  - { id: z, name: Z, severity: low }
`

/** Without the lists of what is possible. */
const short = (message: string): string =>
  message.replace(/(must be one of) .*(, and is)/, '$1 …$2').replace(/(unknown placeholder).*/, '$1')

test('every mistake of a file is told with its place', () => {
  const { rules: good, mistakes: all } = parse(WRONG)
  expect(good.map(({ id }) => id)).toEqual(['y'])
  expect(all.map(({ message }) => short(message)).sort()).toEqual(
    [
      "rules.yaml:2:9: 'id': an id is letters, digits, and . _ -",
      "rules.yaml:2:5: 'name' is missing",
      "rules.yaml:3:5: unknown key 'nam'",
      'rules.yaml:4:15: \'severity\' must be one of …, and is "grave"',
      'rules.yaml:7:19: \'operator\' must be one of …, and is "changd"',
      "rules.yaml:11:20: 'value': RE2 cannot read this pattern",
      'rules.yaml:16:39: unknown placeholder',
      "rules.yaml:16:51: '{' without its other half; a placeholder is {name}",
      'rules.yaml:17:14: a runbook is an https:// link whose host is written out',
      "rules.yaml:21:17: 'user_identity': a filter that names nothing would leave out everybody",
      "rules.yaml:23:11: another rule has the id 'y'",
      'rules.yaml:23:73: unknown placeholder',
      'rules.yaml:24:11: a rule needs resource_types, events or conditions',
    ].sort(),
  )
})

test.each([
  ['rules: [', 'ERR_RULE_FILE'],
  ['- a', 'ERR_RULE_FILE'],
  ['rule: []', 'ERR_RULE_FILE'],
  ['rules: {}', 'ERR_RULE_FILE'],
  ['a: &x 1\nrules: *x', 'ERR_RULE_FILE'],
  ['rules: []\nrules: []', 'ERR_RULE_FILE'],
  [`rules: [] # ${'x'.repeat(1 << 20)}`, 'ERR_RULE_LIMIT'],
])('%.40s', (text, code) => {
  expect(parse(text).mistakes[0]?.code).toBe(code)
})

test('no text makes it throw', () => {
  const word = fc.constantFrom(
    'rules',
    'id',
    'conditions',
    'all',
    'not',
    'operator',
    'value',
    '-',
    ':',
    ' ',
    '\n',
    '&a',
    '*a',
    '{',
    '}',
    '[',
    ']',
    '"',
    'x',
    '1',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), fc.string({ maxLength: 40 }), (words, tail) => {
      expect(() => parse(`rules:\n  - ${words.join(' ')}${tail}`)).not.toThrow()
    }),
    { numRuns: 200 },
  )
})

test('two documents, and two files, are one set of ids', () => {
  const one = 'rules:\n  - { id: r, name: R, severity: low, resource_types: [a] }\n'
  expect(parse(`${one}---\n${one}`).mistakes.map(({ position }) => position.line)).toEqual([5])
  const files = ['a.yaml', 'b.yaml'].map((name) => ({ name, text: one }))
  expect(parsePolicies(files).mistakes.map(({ message }) => message)).toEqual([
    "b.yaml:2:11: another rule has the id 'r'",
  ])
})
