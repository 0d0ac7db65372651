import { describe, expect, test } from 'vitest'
import { loadRuleFiles } from '../../../enclave/core/falco/rules.ts'
import { createRules } from '../../../enclave/core/rule_index.ts'
import type { Rule, Subject } from '../../../enclave/core/rule.ts'
import { subject } from './falco/subject.ts'

const rule = (name: string, condition: string, priority = 'warning') =>
  `- {rule: ${name}, desc: d, condition: '${condition}', output: o, priority: ${priority}}\n`
const load = (text: string): readonly Rule[] => loadRuleFiles([{ name: 'x', text }]).rules
const names = (rules: readonly Rule[]) => rules.map(({ name }) => name)

describe('a rule says which calls it can match', () => {
  test.each([
    ['evt.name = A', ['A'], undefined],
    ['ct.name in (A, B) and ct.src = ecr.amazonaws.com', ['A', 'B'], ['ecr']],
    ['cloud.operation == anyof (A, B)', ['A', 'B'], undefined],
    ['evt.name = A or evt.name = B', ['A', 'B'], undefined],
    ['(evt.name = A and cloud.service = x) or (evt.name = B and cloud.service = y)', ['A', 'B'], ['x', 'y']],
    ['evt.name in (A, B) and evt.name in (B, C)', ['B'], undefined],
    ['evt.name = A and evt.name = B', [], undefined],
    ['evt.name = A or cloud.user = x', undefined, undefined],
    ['not evt.name = A', undefined, undefined],
    ['evt.name != A', undefined, undefined],
    ['evt.name startswith A', undefined, undefined],
    ['evt.name = allof (A)', undefined, undefined],
    ['evt.name = val(cloud.user)', undefined, undefined],
    ['tolower(evt.name) = a', undefined, undefined],
  ])('%s', (condition, events, services) => {
    const [found] = load(rule('r', condition))
    const sorted = (set: ReadonlySet<string> | undefined) => (set === undefined ? undefined : [...set].sort())
    expect([sorted(found?.reach.events), sorted(found?.reach.services)]).toEqual([events, services])
  })
})

function watched(each: Rule, tried: string[]): Rule {
  const matches = (one: Subject) => {
    tried.push(each.name)
    return each.matches(one)
  }
  return { ...each, matches }
}

test.each([
  ['terraform.type = aws_vpc and drift.attribute = tags', ['aws_vpc']],
  ['terraform.type in (aws_vpc, aws_subnet)', ['aws_subnet', 'aws_vpc']],
  ['not terraform.type = aws_vpc', undefined],
  ['terraform.type exists', undefined],
])('and which types: %s', (condition, types) => {
  const [found] = load(rule('r', condition))
  expect(found?.reach.types && [...found.reach.types].sort()).toEqual(types)
})

test('only rules that can match are tried, and the gravest come first', () => {
  const tried: string[] = []
  const rules = load(
    rule('low', 'evt.name = PutImageTagMutability', 'notice') +
      rule('other', 'evt.name = DeleteRepository') +
      rule('service', 'cloud.service = ecr and cloud.user = nobody') +
      rule('elsewhere', 'cloud.service = s3') +
      rule('wrong service', 'evt.name = PutImageTagMutability and cloud.service = s3') +
      rule('any', 'drift.kind = changed', 'critical'),
  ).map((each) => watched(each, tried))
  expect(names(createRules(rules)(subject()))).toEqual(['any', 'low'])
  expect(tried).toEqual(['any', 'service', 'low'])
})

test('what is remembered of a call is not taken for another that shares its name, service or type', () => {
  const find = createRules(
    load(
      rule('here', 'evt.name = A and cloud.service = x') +
        rule('elsewhere', 'evt.name = A and cloud.service = y') +
        rule('other', 'evt.name = B and cloud.service = x'),
    ),
  )
  const calls = [
    ['A', 'x'],
    ['A', 'y'],
    ['B', 'x'],
    ['B', 'y'],
  ] as const
  const found = () => calls.map(([event, service]) => names(find(subject({ event, service }))))
  expect(found()).toEqual([['here'], ['elsewhere'], ['other'], []])
  expect(found()).toEqual([['here'], ['elsewhere'], ['other'], []])
})

test('a call that was forgotten among too many finds its rules again', () => {
  const find = createRules(load(rule('r', 'evt.name = A')))
  expect(names(find(subject({ event: 'A' })))).toEqual(['r'])
  for (let at = 0; at < 10_000; at += 1) find(subject({ event: `other ${at}` }))
  expect(names(find(subject({ event: 'A' })))).toEqual(['r'])
})

test('a rule about resource types is found by them', () => {
  const about = (type: string): Rule[] =>
    load(rule(type, 'evt.num = 1')).flatMap((each) => Object.assign(each, { reach: { types: new Set([type]) } }))
  const rules = [...about('aws_ecr_repository'), ...about('aws_s3_bucket')]
  expect(names(createRules(rules)(subject()))).toEqual(['aws_ecr_repository'])
  expect(names(createRules(rules)(subject({ resource: null })))).toEqual([])
})

test('the first that matches, in the order of the files, where only one may fire', () => {
  const rules = load(
    rule('none', 'evt.name = x') + rule('first', 'evt.num = 1', 'debug') + rule('second', 'evt.num = 1', 'critical'),
  )
  expect(names(createRules(rules, 'first')(subject()))).toEqual(['first'])
  expect(names(createRules(rules, 'all')(subject()))).toEqual(['second', 'first'])
  expect(createRules(rules.slice(0, 1), 'first')(subject())).toEqual([])
})
