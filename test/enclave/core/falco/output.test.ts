import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { views } from '../../../../enclave/core/falco/fields.ts'
import { compileTemplate, parseTemplate } from '../../../../enclave/core/falco/output.ts'
import { plainText, RuleError } from '../../../../enclave/core/falco/source.ts'
import { ANY_SOURCE } from '../../../../enclave/core/falco/sources.ts'
import { endsCleanly } from './rule_errors.ts'
import { subject } from './subject.ts'

const [view] = views(subject({ verdict: null, changes: { 'tags["a/b"]': ['x', 7] } }))
const render = (template: string) => compileTemplate(parseTemplate(plainText(template)), ANY_SOURCE)(view)

describe('renders', () => {
  test.each([
    ['', ''],
    ['no fields', 'no fields'],
    ['(repository=%resource user=%user)', '(repository=my-app-repo user=admin@example.com)'],
    ['%user, %cloud.user. %user', 'admin@example.com, admin@example.com. admin@example.com'],
    ['%cloud.account%cloud.region', '111122223333eu-west-1'],
    ['from=%drift.old_value to=%drift.new_value', 'from=x to=7'],
    ['%drift.changes.tags["a/b"] %drift.changes.tags[none]', '7 <NA>'],
    ['%drift.verdict', '<NA>'],
    ['%user [x]', 'admin@example.com [x]'],
    ['*%user', 'admin@example.com'],
    ['%toupper(cloud.service), %concat(cloud.service, "-", cloud.region).', 'ECR, ecr-eu-west-1.'],
    ['%5user|%8cloud.service|%0cloud.service', 'admin|ecr     |ecr'],
    ['%evt.time %evt.time.s', '07:30:00.000000000 07:30:00'],
    ['%evt.time.iso8601 %evt.datetime', '2025-12-06T07:30:00.000000000+0000 2025-12-06 07:30:00.000000000'],
    ['%evt.rawtime %evt.rawtime.s', '1765006200000000000 1765006200'],
    ['%ec2.imageids', '<NA>'],
  ])('%j', (template, text) => {
    expect(render(template)).toBe(text)
  })
})

describe('refuses at load', () => {
  test.each([
    ['100%', 'ERR_RULE_SYNTAX', '1:4'],
    ['50% of %user', 'ERR_RULE_SYNTAX', '1:3'],
    ['%%user', 'ERR_RULE_SYNTAX', '1:1'],
    ['%20', 'ERR_RULE_SYNTAX', '1:1'],
    ['%99999user', 'ERR_RULE_LIMIT', '1:1'],
    ['%tolower(user', 'ERR_RULE_SYNTAX', '1:10'],
    ['%len(evt.num)', 'ERR_RULE_TYPE', '1:2'],
    ['by\n%usr', 'ERR_RULE_FIELD', '2:2'],
    ['%cloud.users', 'ERR_RULE_FIELD', '1:2'],
    ['%cloud.user.name', 'ERR_RULE_FIELD', '1:2'],
    ['%user[0]', 'ERR_RULE_TYPE', '1:2'],
    ['%drift.changes[x', 'ERR_RULE_SYNTAX', '1:17'],
  ])('%j: %s at %s', (template, code, position) => {
    expect(() => render(template)).toThrow(RuleError)
    expect(() => render(template)).toThrow(expect.objectContaining({ code }))
    expect(() => render(template)).toThrow(new RegExp(`^${position}: `))
  })

  test('and throws nothing but RuleError', () => {
    const pieces = fc.constantFrom(
      '%',
      'user',
      'cloud',
      '.',
      '[',
      ']',
      '"',
      '0',
      ' ',
      '%drift.changes',
      'tolower(',
      '\\',
    )
    const templates = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    )
    const property = fc.property(templates, (template) => endsCleanly(() => render(template)))
    expect(() => fc.assert(property)).not.toThrow()
  })
})
