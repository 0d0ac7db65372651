import { describe, expect, test } from 'vitest'
import { parseCondition } from '../../enclave/core/falco/condition.ts'
import { conditionText } from '../../enclave/core/falco/condition_text.ts'
import { loadRuleFiles } from '../../enclave/core/falco/rules.ts'
import { plainText, RuleError } from '../../enclave/core/falco/source.ts'
import { SOURCES } from '../../enclave/core/falco/sources.ts'
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

interface LoaderCase {
  readonly test: string
  readonly rules: { readonly [name: string]: string }
  readonly assertions: readonly (readonly [outcome: 'TRUE' | 'FALSE', what: string, argument: string])[]
  readonly compiled_conditions: readonly (readonly [rule: string, condition: string])[]
}

describe('rule files', () => {
  const { cases: loading } = JSON.parse(corpusFile('falco/rule_loader_cases.json').toString('utf8')) as {
    readonly cases: readonly LoaderCase[]
  }

  test('every case is here', () => {
    expect(loading).toHaveLength(63)
  })

  test.each(loading)('$test', ({ rules, assertions, compiled_conditions: conditions }) => {
    // A few cases carry a second text, which is a part of others.
    const [text = ''] = Object.values(rules)
    const { checked, mistakes, warnings } = loadRuleFiles([{ name: 'rules.yaml', text }])
    const problems = {
      check_error_message: mistakes.map(({ problem }) => problem),
      // Falco's own source is one that it serves and we do not.
      check_warning_message: warnings
        .map(({ problem }) => problem)
        .filter((problem) => !problem.endsWith(', skipping')),
    }
    const outcomes = assertions.map(([, what, argument]) => {
      if (what === 'load_rules') return mistakes.length === 0
      if (what === 'has_warnings') return problems.check_warning_message.length > 0
      const found = what === 'check_error_message' || what === 'check_warning_message' ? problems[what] : []
      return found.some((problem) => problem.includes(argument.slice(1, -1)))
    })
    // Where a message is the name of a constant, there is nothing to compare.
    const decided = assertions.map(([, what, argument]) => !what.startsWith('check_') || argument.startsWith('"'))
    expect(outcomes.filter((_, place) => decided[place])).toEqual(
      assertions.filter((_, place) => decided[place]).map(([outcome]) => outcome === 'TRUE'),
    )
    const trees = new Map(checked.map(({ name, condition }) => [name, conditionText(condition)]))
    for (const [name, condition] of conditions) expect(trees.get(name)).toBe(condition)
  })

  test.each([
    ['aws_cloudtrail_rules', 22, 20, []],
    ['gcp_auditlog_rules', 39, 39, []],
    ['k8s_audit_rules', 48, 48, []],
    ['falco_rules', 25, 0, ['syscall', 'container']],
    ['falco-incubating_rules', 31, 0, ['syscall', 'container']],
    ['github', 0, 0, ['github']],
  ])('%s.yaml', (name, right, running, strangers) => {
    const text = corpusFile(`falco/rules/${name}.yaml`).toString('utf8')
    const { checked, rules, mistakes, warnings } = loadRuleFiles([{ name, text }])
    expect(mistakes).toEqual([])
    expect([checked.length, rules.length]).toEqual([right, running])
    expect(warnings.filter(({ problem }) => !strangers.some((stranger) => problem.includes(stranger)))).toEqual([])
  })
})

test('every field of the plugins is here, with its type and argument', () => {
  const { fields } = JSON.parse(corpusFile('falco/plugin_fields.json').toString('utf8')) as {
    readonly fields: {
      readonly [source: string]: readonly {
        readonly name: string
        readonly type: string
        readonly list: boolean
        readonly arg?: { readonly required: boolean; readonly index: boolean } | null
      }[]
    }
  }
  const types: Readonly<Record<string, string>> = { string: 'text', uint64: 'number' }
  for (const [source, all] of Object.entries(fields))
    for (const { name, type, list, arg } of all) {
      const field = SOURCES.get(source)?.find(name)
      expect([name, field?.type, field?.list ?? false]).toEqual([name, types[type], list])
      const argument = arg ? { kind: arg.index ? 'index' : 'key', required: arg.required } : undefined
      expect([name, field?.argument]).toEqual([name, argument])
    }
})
