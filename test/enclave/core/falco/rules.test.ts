import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRules } from './parse_rules.ts'
import { formatWarning, RuleError } from '../../../../enclave/core/falco/source.ts'
import { endsCleanly } from './rule_errors.ts'
import { subject } from './subject.ts'

const parse = (text: string) => {
  const { rules, warnings } = parseRules('rules.yaml', text)
  return { rules, warnings: warnings.map(formatWarning) }
}
const rule = (name: string, more = '') =>
  `- rule: ${name}\n  condition: cloud.service = ecr\n  output: by %user\n  priority: warning\n${more}`

describe('rules/falco/ecr.yaml', () => {
  const { rules, warnings } = parseRules('ecr.yaml', readFileSync('rules/falco/ecr.yaml', 'utf8'))
  const mutable = subject()
  const immutable = subject({ changes: { image_tag_mutability: ['MUTABLE', 'IMMUTABLE'] } })
  const policySet = subject({ event: 'SetRepositoryPolicy', changes: { policy: ['{}', '{"Version":"2012-10-17"}'] } })
  const policyGone = subject({ event: 'DeleteRepositoryPolicy', kind: 'deleted', changes: {} })
  const scanning = subject({ event: 'PutImageScanningConfiguration', changes: { scan_on_push: [true, false] } })
  const otherService = subject({ event: 'SetRepositoryPolicy', service: 'codeartifact' })

  test.each([
    ['ecr_image_tag_mutability_enabled', 'medium', [mutable], [immutable, policySet, scanning]],
    ['ecr_repository_policy_modified', 'high', [policySet, policyGone], [mutable, scanning, otherService]],
  ])('%s', (name, severity, fires, misses) => {
    const found = rules.find((candidate) => candidate.name === name)
    expect(found?.severity).toBe(severity)
    expect(fires.map((event) => found?.matches(event))).toEqual(fires.map(() => true))
    expect(misses.map((event) => found?.matches(event))).toEqual(misses.map(() => false))
  })

  test('says what its page says', () => {
    expect(rules.map((each) => each.message(mutable))).toEqual([
      'ECR Image Tag Mutability Enabled (repository=my-app-repo user=admin@example.com)',
      'ECR Repository Policy Modified (repository=my-app-repo user=admin@example.com)',
    ])
    expect(warnings).toEqual([])
  })
})

test.each([
  ['drift.attribute = second', true],
  ['not drift.attribute = first', true],
  ['drift.old_value = x', true],
  ['tolower(drift.new_value) = y', true],
  ['cloud.user = val(drift.new_value) or drift.attribute = third', false],
  ['cloud.service = ecr', true],
  ['not cloud.service = ecr', false],
  ['drift.changes.second = Y', true],
])('a rule whose condition is %s is tried on the second of two changes: %s', (condition, isMatch) => {
  const { rules } = parse(`- {rule: r, desc: d, condition: '${condition}', output: o, priority: debug}`)
  const changes = { first: ['a', 'b'], second: ['x', 'Y'] } as const
  expect(rules.map((each) => each.matches(subject({ changes })))).toEqual([isMatch])
})

describe('loads', () => {
  test.each([
    ['nothing', '', []],
    ['empty items and documents', `-\n${rule('a')}---\n---\n`, ['a']],
    ['rules in one mapping, as on the ECR coverage page', bare(rule('a') + rule('b')), ['a', 'b']],
    ['a name that is a number', rule('007'), ['007']],
    ['a bare rule in each document', `${bare(rule('a'))}---\n${bare(rule('b'))}`, ['a', 'b']],
    ['no disabled rule', rule('a', '  enabled: false\n') + rule('b', '  enabled: true\n'), ['b']],
    ['the last of one name, at the place of the first', rule('a') + rule('b') + rule('a'), ['a', 'b']],
  ])('%s', (_, text, names) => {
    const { rules, warnings } = parse(text)
    expect(rules.map(({ name }) => name)).toEqual(names)
    expect(warnings).toEqual([])
  })

  test.each([
    ['EMERGENCY', 'critical'],
    ['Alert', 'critical'],
    ['critical', 'critical'],
    ['Error', 'high'],
    ['warning', 'medium'],
    ['NOTICE', 'low'],
    ['Informational', 'info'],
    ['INFO', 'info'],
    ['debug', 'info'],
  ])('priority %s as %s', (priority, severity) => {
    expect(parse(rule('a').replace('warning', priority)).rules[0]?.severity).toBe(severity)
  })

  test('warns of what it does not know, and goes on', () => {
    const { rules, warnings } = parse(`${rule('a', '  descr: x\n')}- condition: cloud.service = s3\n`)
    expect(rules).toHaveLength(1)
    expect(warnings).toEqual([
      "rules.yaml:5:3: Unknown key 'descr'. The key will be ignored.",
      'rules.yaml:6:3: Unknown top level item',
    ])
  })

  test('a message speaks of the change that made its rule match', () => {
    const text = rule('a')
      .replace('cloud.service = ecr', 'drift.attribute = b')
      .replace('%user', '%drift.attribute=%drift.new_value')
    const found = parse(text).rules[0]
    expect(found?.message(subject({ changes: { a: [1, 2], b: [3, 4] } }))).toBe('by b=4')
  })
})

describe('refuses', () => {
  const condition = (yaml: string) => rule('a').replace('cloud.service = ecr', yaml)
  test.each([
    ['broken YAML', '- rule: "a\n', 'ERR_RULE_FILE', '2:1'],
    ['text', 'rule', 'ERR_RULE_FILE', '1:1'],
    ['an item that is text', '- rule\n', 'ERR_RULE_FILE', '1:3'],
    ['a key that is no text', '- [a]: x\n', 'ERR_RULE_FILE', '1:3'],
    ['a key twice', rule('a', '  output: x\n'), 'ERR_RULE_FILE', '5:3'],
    ['no condition', rule('a').replace(/ {2}condition.*\n/, ''), 'ERR_RULE_FILE', '1:3'],
    ['no output', rule('a').replace(/ {2}output.*\n/, ''), 'ERR_RULE_FILE', '1:3'],
    ['a condition that is a list', condition('[a]'), 'ERR_RULE_FILE', '2:3'],
    ['an unknown priority', rule('a').replace('warning', 'high'), 'ERR_RULE_FILE', '4:3'],
    ['enabled: maybe', rule('a', '  enabled: maybe\n'), 'ERR_RULE_FILE', '5:3'],
    ['an oversized file', `#${' '.repeat(1 << 22)}`, 'ERR_RULE_LIMIT', '1:1'],
    // The position is that of the mistake in the file, however YAML folds the text.
    ['plain', condition('evt.nam = x'), 'ERR_RULE_FIELD', '2:14'],
    ['plain over lines', condition('\n    evt.name = x and\n      evt.nam = y'), 'ERR_RULE_FIELD', '4:7'],
    ['folded', condition('>-  # why\n    evt.name = x and\n    evt.nam = y\n'), 'ERR_RULE_FIELD', '4:5'],
    ['literal', condition('|\n    evt.name = x\n    and\n    evt.nam = y\n'), 'ERR_RULE_FIELD', '5:5'],
    ['double-quoted', condition('"evt.nam = x"'), 'ERR_RULE_FIELD', '2:15'],
    ['single-quoted', condition("'evt.nam = x'"), 'ERR_RULE_FIELD', '2:15'],
    ['with escapes', condition(String.raw`"evt.name = \"x\" and evt.nam = y"`), 'ERR_RULE_FIELD', '2:14'],
    ['cut off', condition('evt.name ='), 'ERR_RULE_SYNTAX', '2:24'],
    ['empty', condition('""'), 'ERR_RULE_FILE', '2:3'],
    ['output', rule('a').replace('%user', '%usr'), 'ERR_RULE_FIELD', '3:15'],
  ])('%s', (_, text, code, position) => {
    expect(() => parse(text)).toThrow(RuleError)
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }))
    expect(() => parse(text)).toThrow(new RegExp(`^rules\\.yaml:${position}: `))
  })

  test('and throws nothing but RuleError', () => {
    const shapes = ['---', '- ', '? ', ': x', '&a', '- *a', '<<: x', '- [', '{', '  output: >', '    %user', '!!set']
    const lines = fc.constantFrom(...rule('a').split('\n').concat(shapes))
    const files = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(lines).map((parts) => parts.join('\n')),
    )
    const property = fc.property(files, (text) => endsCleanly(() => parse(text)))
    expect(() => fc.assert(property, { numRuns: 150 })).not.toThrow()
  })
})

/** The form of the reference page: mappings without a dash. */
function bare(items: string): string {
  return items.replaceAll(/^(- | {2})/gm, '')
}
