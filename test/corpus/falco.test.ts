import { describe, expect, test } from 'vitest'
import { parseCondition } from '../../enclave/core/falco/condition.ts'
import { plainText, RuleError } from '../../enclave/core/falco/source.ts'
import { treeText } from '../enclave/core/falco/tree_text.ts'
import { corpusFile } from './data.ts'

interface Cases {
  readonly valid: readonly { readonly filter: string; readonly whitespace_variants: boolean }[]
  readonly invalid: readonly { readonly filter: string }[]
  readonly ast_checked: readonly { readonly filter: string }[]
}

// The first test looks at the shape.
const cases = JSON.parse(corpusFile('falco/filter_parser_cases.json').toString('utf8')) as Cases
const parse = (filter: string) => parseCondition(plainText(filter))

/** Upstream's tests build these trees node by node; the data names only the conditions. */
const TREES: ReadonlyMap<string, string> = new Map([
  [
    'evt.name exists and evt.type in (a, b) or proc.name=cat',
    '(or (and (exists evt.name) (in evt.type ["a","b"])) (= proc.name "cat"))',
  ],
  [
    'b64(evt.name) exists and tolower(toupper(evt.type)) in val(some.field) or proc.name=b64(tolower(some.field))',
    '(or (and (exists b64(evt.name)) (in tolower(toupper(evt.type)) val(some.field))) (= proc.name b64(tolower(some.field))))',
  ],
  ['not not not not not(not not(not not_macro))', '(not (not not_macro))'],
  ['proc.name == oneof (cat, nginx)', '(== oneof proc.name ["cat","nginx"])'],
  ['proc.name != anyof (cat, nginx)', '(!= anyof proc.name ["cat","nginx"])'],
  ['proc.name = allof (cat)', '(= allof proc.name ["cat"])'],
  ['proc.name == oneof ()', '(== oneof proc.name [])'],
  ['proc.name == oneof my_list', '(== oneof proc.name "my_list")'],
  ['proc.name == oneof (cat, nginx) and fd.name exists', '(and (== oneof proc.name ["cat","nginx"]) (exists fd.name))'],
  ['proc.name == anyof and fd.name exists', '(and (== proc.name "anyof") (exists fd.name))'],
  ['proc.name == oneof (cat) and proc.name == anyof', '(and (== oneof proc.name ["cat"]) (== proc.name "anyof"))'],
  ['proc.name contains oneof (cat, nginx)', '(contains oneof proc.name ["cat","nginx"])'],
  ['proc.name startswith anyof (/etc/, /tmp/)', '(startswith anyof proc.name ["/etc/","/tmp/"])'],
])

test('every case is here', () => {
  expect([cases.valid.length, cases.invalid.length, cases.ast_checked.length]).toEqual([223, 140, 15])
})

describe('valid', () => {
  test.each(cases.valid)('$filter', ({ filter, whitespace_variants: variants }) => {
    const spaced = ` ${filter} `
    const forms = variants ? [filter, spaced, spaced.replaceAll(' ', '\n'), spaced.replaceAll(' ', '\t')] : [filter]
    for (const form of forms) expect(() => parse(form)).not.toThrow()
  })
})

describe('invalid', () => {
  test.each(cases.invalid)('$filter', ({ filter }) => {
    expect(() => parse(filter)).toThrow(RuleError)
  })
})

describe('trees', () => {
  test.each(cases.ast_checked)('$filter', ({ filter }) => {
    expect(treeText(parse(filter))).toBe(TREES.get(filter))
  })
})
