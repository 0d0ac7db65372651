import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { views } from '../../../../enclave/core/falco/fields.ts'
import { parseTemplate } from '../../../../enclave/core/falco/output.ts'
import { plainText, RuleError } from '../../../../enclave/core/falco/source.ts'
import { endsCleanly } from './rule_errors.ts'
import { subject } from './subject.ts'

const [view] = views(subject({ verdict: null, changes: { 'tags["a/b"]': ['x', 7] } }))
const render = (template: string) => parseTemplate(plainText(template))(view)

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
  ])('%j', (template, text) => {
    expect(render(template)).toBe(text)
  })
})

describe('refuses at load', () => {
  test.each([
    ['100%', 'ERR_RULE_SYNTAX', '1:4'],
    ['50% of %user', 'ERR_RULE_SYNTAX', '1:3'],
    ['%%user', 'ERR_RULE_SYNTAX', '1:1'],
    ['%20user', 'ERR_RULE_SYNTAX', '1:1'],
    ['by\n%usr', 'ERR_RULE_UNKNOWN', '2:1'],
    ['%cloud.users', 'ERR_RULE_UNKNOWN', '1:1'],
    ['%cloud.user.name', 'ERR_RULE_UNKNOWN', '1:1'],
    ['%user[0]', 'ERR_RULE_TYPE', '1:1'],
    ['%drift.changes[x', 'ERR_RULE_SYNTAX', '1:17'],
    ['%tolower(cloud.user)', 'ERR_RULE_UNSUPPORTED', '1:1'],
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
