import { describe, expect, test } from 'vitest'
import { conditionText } from '../../../../enclave/core/falco/condition_text.ts'
import { loadRuleFiles } from '../../../../enclave/core/falco/rules.ts'
import { formatWarning } from '../../../../enclave/core/falco/source.ts'
import { subject } from './subject.ts'

const load = (...texts: readonly string[]) => {
  const files = texts.map((text, place) => ({ name: `${place + 1}.yaml`, text }))
  const { rules, checked, mistakes, warnings } = loadRuleFiles(files)
  return {
    rules,
    conditions: Object.fromEntries(checked.map(({ name, condition }) => [name, conditionText(condition)])),
    mistakes: mistakes.map(({ message }) => message),
    warnings: warnings.map(formatWarning),
  }
}

const rule = (name: string, condition: string, more = '') =>
  `- rule: ${name}\n  desc: d\n  condition: ${condition}\n  output: at %evt.time\n  priority: warning\n${more}`
const change = (name: string, more: string) => `- rule: ${name}\n${more}`
const macro = (name: string, condition: string, more = '') => `- macro: ${name}\n  condition: ${condition}\n${more}`
const list = (name: string, items: string, more = '') => `- list: ${name}\n  items: [${items}]\n${more}`
const APPEND = '  override: {condition: append}\n'
const NAMES = rule('r', 'evt.name in (names)')

describe('lists are text', () => {
  test.each([
    ['items', list('names', 'A, B') + NAMES, 'evt.name in (A, B)'],
    [
      'added items',
      list('names', 'A') + list('names', 'B', '  override: {items: append}\n') + NAMES,
      'evt.name in (A, B)',
    ],
    ['replaced items', list('names', 'A') + list('names', 'B') + NAMES, 'evt.name in (B)'],
    ['a blank in an item', list('names', 'a b, c') + NAMES, 'evt.name in ("a b", c)'],
    ['numbers as they stand', list('names', '007, 0x1F, 1e3, yes') + NAMES, 'evt.name in (007, 0x1F, 1e3, yes)'],
    ['an earlier list', list('more', 'B, C') + list('names', 'A, more') + NAMES, 'evt.name in (A, B, C)'],
    ['a later list', list('names', 'A, more') + list('more', 'B') + NAMES, 'evt.name in (A, B)'],
    ['a list defined after its rule', NAMES + list('names', 'A'), 'evt.name in (A)'],
    ['nothing, first', list('names', '') + rule('r', 'evt.name in (names, A)'), 'evt.name in (A)'],
    ['nothing, last', list('names', '') + rule('r', 'evt.name in (A, names)'), 'evt.name in (A)'],
    ['nothing alone', list('names', '') + NAMES, 'evt.name in ()'],
    [
      'whole words',
      list('names', 'A') + rule('r', 'evt.name in (names, my_names, names.x)'),
      'evt.name in (A, my_names, names.x)',
    ],
    ['a name with a blank', list('two names', 'A') + rule('r', 'evt.name in (two names)'), 'evt.name in (A)'],
    ['beside an operator', list('names', 'A') + rule('r', 'evt.name=names'), 'evt.name = A'],
  ])('%s', (_, text, condition) => {
    expect(load(text).conditions).toEqual({ r: condition })
  })
})

describe('macros are trees', () => {
  test.each([
    [
      'in parentheses',
      macro('m', 'evt.name = A or evt.name = B') +
        rule('r', 'm and resource.x exists').replace('resource.x', 'cloud.user'),
      '((evt.name = A or evt.name = B) and cloud.user exists)',
    ],
    [
      'added to',
      macro('m', 'evt.name = A') + macro('m', 'or evt.name = B', APPEND) + rule('r', 'not m'),
      'not (evt.name = A or evt.name = B)',
    ],
    ['replaced', macro('m', 'evt.name = A') + macro('m', 'evt.name = B') + rule('r', 'm'), 'evt.name = B'],
    ['in macros', macro('a', 'evt.name = A') + macro('b', 'not a') + rule('r', 'b'), 'not evt.name = A'],
    [
      'in macros whose last change is later',
      macro('b', 'evt.name = B') + macro('a', 'evt.name = A') + macro('b', 'or a', APPEND) + rule('r', 'b'),
      '(evt.name = B or evt.name = A)',
    ],
    ['defined after their rule', rule('r', 'm') + macro('m', 'evt.name = A'), 'evt.name = A'],
  ])('%s', (_, text, condition) => {
    expect(load(text)).toMatchObject({ conditions: { r: condition }, mistakes: [] })
  })

  test.each([
    ['unknown', rule('r', 'm'), "1.yaml:3:14: Undefined macro 'm' used in filter."],
    [
      'a later one in a macro',
      macro('a', 'b') + macro('b', 'evt.name = B') + rule('r', 'a'),
      "1.yaml:2:14: Undefined macro 'b' used in filter.",
    ],
    [
      'itself',
      macro('a', 'evt.name = A') + macro('a', 'or a', APPEND) + rule('r', 'a'),
      "1.yaml:4:17: reference loop in macro 'a'",
    ],
    [
      'a mistake in one, told once',
      macro('a', 'evt.name =') + rule('r', 'a') + rule('s', 'not a'),
      '1.yaml:2:24: expected a string, val() or a transformer',
    ],
    [
      'a mistake in one that nobody uses',
      macro('a', 'evt.name ='),
      '1.yaml:2:24: expected a string, val() or a transformer',
    ],
    [
      'a field that is none',
      macro('a', 'evt.nam = A') + rule('r', 'a') + rule('s', 'a'),
      "1.yaml:2:14: no field of ours is called 'evt.nam'",
    ],
    [
      'too deep',
      Array.from({ length: 300 }, (_, n) => macro(`m${n}`, n === 0 ? 'evt.name = A' : `m${n - 1}`)).join('') +
        rule('r', 'm299'),
      'macros are nested deeper than 100',
    ],
    [
      'too many',
      Array.from({ length: 40 }, (_, n) => macro(`m${n}`, n === 0 ? 'evt.name = A' : `m${n - 1} or m${n - 1}`)).join(
        '',
      ) + rule('r', 'm39'),
      'over 100000 parts',
    ],
  ])('%s', (_, text, mistake) => {
    expect(load(text).mistakes).toEqual([expect.stringContaining(mistake)])
  })
})

describe('exceptions', () => {
  const excepted = (yaml: string) =>
    rule('r', 'evt.name = A or evt.name = B', `  exceptions:\n    - {name: e, ${yaml}}\n`)
  test.each([
    ['one field', 'fields: cloud.user, values: [a, b c]', 'not cloud.user in (a, "b c")'],
    ['one field, compared', 'fields: cloud.user, comps: pmatch, values: [/a]', 'not cloud.user pmatch (/a)'],
    [
      'one field, modified',
      'fields: cloud.user, comps: startswith oneof, values: [a, b]',
      'not cloud.user startswith oneof (a, b)',
    ],
    [
      'several fields',
      'fields: [cloud.user, cloud.region], values: [[a, b], [c, d]]',
      'not ((cloud.user = a and cloud.region = b) or (cloud.user = c and cloud.region = d))',
    ],
    [
      'several, compared',
      'fields: [cloud.user, cloud.region], comps: [contains, in], values: [[a, [b, c]]]',
      'not (cloud.user contains a and cloud.region in (b, c))',
    ],
    ['a list operator and one value', 'fields: [cloud.user], comps: [in], values: [[a]]', 'not cloud.user in (a)'],
    ['a transformer', 'fields: [tolower(cloud.user)], values: [[a]]', 'not tolower(cloud.user) = a'],
  ])('%s', (_, yaml, clause) => {
    expect(load(excepted(yaml)).conditions).toEqual({ r: `((evt.name = A or evt.name = B) and ${clause})` })
  })

  test('without values take nothing away', () => {
    expect(load(excepted('fields: cloud.user')).conditions).toEqual({ r: '(evt.name = A or evt.name = B)' })
  })

  test.each([
    ['no name', rule('r', 'evt.name = A', '  exceptions: [{fields: cloud.user}]\n'), "no mapping for key 'name'"],
    ['no fields', excepted('values: [a]'), "no mapping for key 'fields'"],
    ['an unknown field', excepted('fields: cloud.usr, values: [a]'), "'cloud.usr'"],
    ['an unknown field without values', excepted('fields: cloud.usr'), "'cloud.usr'"],
    [
      'an unknown operator',
      excepted('fields: [cloud.user], comps: [like]'),
      "'like' is not a supported comparison operator",
    ],
    ['a modifier alone', excepted('fields: [cloud.user], comps: [oneof]'), "'oneof' is not"],
    ['an operator that takes one value', excepted('fields: cloud.user, comps: startswith'), 'comps must be one of'],
    ['lists of different length', excepted('fields: [cloud.user], comps: [=, =]'), 'equal length'],
    ['a row of another length', excepted('fields: [cloud.user], values: [[a, b]]'), 'equal length'],
    ['a mapping as value', excepted('fields: cloud.user, values: [{a: b}]'), 'expected a text or a list'],
    ['not a list', rule('r', 'evt.name = A', '  exceptions: x\n'), 'must be a sequence'],
  ])('refuses %s', (_, text, mistake) => {
    expect(load(text).mistakes).toEqual([expect.stringContaining(mistake)])
  })

  test('get values from a later item, and nothing else', () => {
    const base = excepted('fields: cloud.user, values: [a]')
    const add = (yaml: string) =>
      base + change('r', `  exceptions: [{name: e, ${yaml}}]\n  override: {exceptions: append}\n`)
    expect(load(add('values: [b]')).conditions['r']).toContain('cloud.user in (a, b)')
    expect(load(add('fields: cloud.region, values: [b]')).mistakes).toEqual([expect.stringContaining('only values')])
  })
})

describe('changes', () => {
  const BASE = rule('r', 'evt.name = A', '  tags: [x]\n  source: aws_cloudtrail\n')
  test.each([
    [
      'append: true',
      change('r', '  condition: and evt.num = 1\n  append: true\n'),
      { condition: '(evt.name = A and evt.num = 1)' },
    ],
    [
      'append',
      change(
        'r',
        '  condition: or evt.name = B\n  desc: e\n  tags: [y]\n  override: {condition: append, desc: append, tags: append}\n',
      ),
      { condition: '(evt.name = A or evt.name = B)', description: 'd e', tags: ['x', 'y'] },
    ],
    [
      'replace',
      change(
        'r',
        '  condition: evt.name = B\n  priority: error\n  override: {condition: replace, priority: replace}\n',
      ),
      { condition: 'evt.name = B', severity: 'high' },
    ],
    [
      'both',
      change('r', '  desc: e\n  output: and more\n  override: {desc: replace, output: append}\n'),
      { description: 'e' },
    ],
    [
      'a new definition',
      rule('r', 'evt.name = B', '  source: aws_cloudtrail\n'),
      { condition: 'evt.name = B', tags: [] },
    ],
  ])('%s', (_, text, expected) => {
    const { condition, ...rest } = { condition: 'evt.name = A', ...expected }
    const loaded = load(BASE + text)
    expect(loaded).toMatchObject({ conditions: { r: condition }, mistakes: [] })
    expect(loaded.rules).toMatchObject([rest])
  })

  test('switch a rule off and on, whatever its source', () => {
    const off = BASE + change('r', '  enabled: false\n')
    expect(load(off).rules).toEqual([])
    expect(load(off).warnings).toEqual([expect.stringContaining("standalone 'enabled' key")])
    expect(load(off + change('r', '  enabled: true\n  override: {enabled: replace}\n')).rules).toHaveLength(1)
  })

  test.each([
    ['append to priority', '  priority: error\n  override: {priority: append}\n', "'priority' cannot be appended to"],
    ['replace the source', '  override: {source: replace}\n', "'source' cannot be replaced"],
    ['another operation', '  desc: e\n  override: {desc: prepend}\n', 'Invalid override operation'],
    ['override that is a list', '  override: [desc]\n', 'must be a mapping'],
    ['a key that is not there', '  override: {desc: replace}\n', "'desc' is not defined"],
    ['a key without override', '  desc: e\n  output: o\n  override: {desc: replace}\n', "Unexpected key 'output'"],
    [
      'both ways',
      '  condition: and evt.num = 1\n  append: true\n  override: {condition: append}\n',
      'cannot be used together',
    ],
    ['append of nothing', '  append: true\n', 'must have exceptions or condition'],
    ['another source', '  condition: and evt.num = 1\n  append: true\n  source: gcp_auditlog\n', 'different source'],
  ])('refuse %s', (_, more, mistake) => {
    expect(load(BASE + change('r', more)).mistakes).toEqual([expect.stringContaining(mistake)])
  })

  test.each([
    ['a list', list('l', 'a', '  append: true\n'), 'no list by that name'],
    ['a macro', macro('m', 'or a', APPEND), 'no macro by that name'],
    ['a rule, to append', change('r', `  condition: and a\n${APPEND}`), "'override.<key>: append' but no rule"],
    [
      'a rule, to replace',
      change('r', '  condition: a\n  override: {condition: replace}\n'),
      "replace' to a rule was requested",
    ],
    ['a rule, to switch', change('r', '  enabled: true\n'), 'no rule by that name'],
  ])('need %s', (_, text, mistake) => {
    expect(load(text).mistakes).toEqual([expect.stringContaining(mistake)])
  })
})

describe('sources', () => {
  test.each([
    ['aws_cloudtrail', 'ct.name = A', 1],
    ['gcp_auditlog', 'gcp.methodName = A', 1],
    ['k8s_audit', 'ka.verb = get', 1],
    ['syscall', 'evt.type = open and fd.name startswith /etc', 0],
    ['okta', 'anything at all (', 0],
  ])('%s', (source, condition, loaded) => {
    const { rules, mistakes, warnings } = load(rule('r', `'${condition}'`, `  source: ${source}\n`))
    expect(mistakes).toEqual([])
    expect(rules).toHaveLength(loaded)
    expect(warnings).toEqual(loaded === 1 ? [] : [`1.yaml:1:3: Unknown source ${source}, skipping`])
  })

  test('a rule without one that asks for system calls is not ours', () => {
    const { rules, mistakes, warnings } = load(rule('r', 'evt.type = open').replace('%evt.time', '%user.name'))
    expect([rules, mistakes]).toEqual([[], []])
    expect(warnings).toEqual(['1.yaml:1:3: Unknown source syscall, skipping'])
  })

  test.each([
    ['aws_cloudtrail', 'gcp.user = a'],
    ['gcp_auditlog', 'ct.name = a'],
    ['k8s_audit', 'drift.kind = changed'],
    ['syscall', 'ct.name = a'],
  ])('%s knows no %s', (source, condition) => {
    const text = rule('r', condition, `  source: ${source}\n`)
    expect(load(text).mistakes).toEqual([expect.stringContaining(`no field of source ${source}`)])
    const lenient = load(`${text}  skip-if-unknown-filter: true\n`)
    expect([lenient.mistakes, lenient.rules]).toEqual([[], []])
    expect(lenient.warnings).toEqual([expect.stringContaining('the rule is skipped')])
  })

  test('a rule of another cloud does not see an event', () => {
    const rules = load(
      rule('a', 'evt.num = 1', '  source: aws_cloudtrail\n') + rule('g', 'evt.num = 1', '  source: gcp_auditlog\n'),
    ).rules
    expect(rules.map((each) => each.matches(subject()))).toEqual([true, false])
  })
})

describe('versions', () => {
  test.each([
    ['required_engine_version: 26', []],
    ['required_engine_version: 0.63.0', []],
    ['required_engine_version: 64', ['Rules require engine version 64']],
    ['required_engine_version: 1.0.0', ['Rules require engine version 1.0.0']],
    ['required_engine_version: seven', ['Unable to parse engine version']],
    ['required_plugin_versions: [{name: cloudtrail, version: 0.10.0}]', []],
    ['required_plugin_versions: [{name: cloudtrail, version: 0.99.0}]', ['older version of cloudtrail']],
    ['required_plugin_versions: [{name: x, version: 1.0.0, alternatives: [{name: json, version: 0.7.0}]}]', []],
    ['required_plugin_versions: [{name: json, version: 0.7}]', ["Invalid required version '0.7'"]],
    ['required_plugin_versions: [{name: json}]', ["no mapping for key 'version'"]],
    ['required_plugin_versions: {}', ['must be a sequence']],
  ])('%s', (item, expected) => {
    expect(load(`- ${item}\n`).mistakes).toEqual(expected.map((problem) => expect.stringContaining(problem)))
  })
})

describe('several files', () => {
  test('a rule sees the macros of its own file and of earlier ones', () => {
    const files = [rule('r', 'm'), macro('m', 'evt.name = A')] as const
    expect(load(...files.toReversed()).mistakes).toEqual([])
    expect(load(...files).mistakes).toEqual(["1.yaml:3:14: Undefined macro 'm' used in filter."])
  })

  test('a later file changes what an earlier one defines', () => {
    expect(load(list('names', 'A') + NAMES, list('names', 'B', '  override: {items: append}\n')).conditions).toEqual({
      r: 'evt.name in (A, B)',
    })
  })
})

test('every mistake is found, each at its place', () => {
  const text =
    rule('a', 'evt.nam = x') +
    '- rule: b\n' +
    rule('c', 'evt.name = x').replace('%evt.time', '%usr') +
    rule('d', 'evt.name = x')
  const { rules, mistakes } = load(text, '- rule: [\n')
  expect(mistakes).toEqual([
    expect.stringMatching(/^1\.yaml:6:3: Item has no mapping for key 'enabled'/),
    expect.stringMatching(/^2\.yaml:2:1: /),
    "1.yaml:3:14: no field of ours is called 'evt.nam'",
    "1.yaml:10:15: no field of ours is called 'usr'",
  ])
  expect(rules.map(({ name }) => name)).toEqual(['d'])
})

test('also in one rule', () => {
  const text = rule('a', "evt.nam = x and (cloud.usr = y or evt.num = 'many')").replace(
    '%evt.time',
    '%usr %evt.nun %evt.num',
  )
  const problems = [
    "called 'evt.nam'",
    "called 'cloud.usr'",
    "'many' is no whole number",
    "called 'usr'",
    "called 'evt.nun'",
  ]
  expect(load(text).mistakes).toEqual(problems.map((problem) => expect.stringContaining(problem)))
})

test('a mistake shows its line with a caret', () => {
  const { mistakes } = loadRuleFiles([
    { name: 'x', text: list('names', 'A') + rule('r', '>\n    evt.name in (names) and\n    evt.nam = y') },
  ])
  expect(mistakes.map(({ excerpt }) => excerpt)).toEqual(['    evt.nam = y\n    ^'])
})

describe('warnings', () => {
  test.each([
    ['an unused list', list('l', 'a'), "list 'l' is not referred to"],
    ['an unused macro', macro('m', 'evt.name = A'), "macro 'm' is not referred to"],
    ['a name that is none', macro('a-b', 'evt.name = A'), 'Macro has an invalid name'],
    ['append', list('l', 'a') + list('l', 'b', '  append: true\n'), "'append' key is deprecated"],
    [
      'a field as text',
      rule('r', 'evt.name = cloud.user'),
      "'cloud.user' may be a valid field misused as a const string value",
    ],
    ['a transformer as text', rule('r', `evt.name = "tolower( x )"`), 'may be a valid field transformer misused'],
    [
      'a regular expression that need not be',
      rule('r', 'evt.name regex "^.*Policy$"'),
      'may be optimized with simpler operators',
    ],
    ['<NA>', rule('r', 'ka.verb = "<NA>"', '  source: k8s_audit\n'), "comparing with '<NA>' is unsafe"],
    ['system calls of any type', rule('r', 'proc.name = cat'), 'matches too many evt.type values'],
    [
      'one exception twice',
      rule('r', 'evt.name = A', '  exceptions: [{name: e, fields: cloud.user}, {name: e, fields: cloud.user}]\n'),
      'Multiple definitions of exception',
    ],
  ])('%s', (_, text, problem) => {
    const { mistakes, warnings } = load(text)
    expect(mistakes).toEqual([])
    expect(warnings).toContainEqual(expect.stringContaining(problem))
  })

  test.each([
    ['a regular expression that must be', rule('r', 'evt.name regex "(Put|Set).*"')],
    ['a condition that is never true', macro('never', 'evt.num = 0') + rule('r', 'never')],
  ])('none for %s', (_, text) => {
    expect(load(text).warnings).toEqual([])
  })
})
