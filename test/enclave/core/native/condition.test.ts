import { describe, expect, test } from 'vitest'
import { compileCondition, compileConditions, explain } from '../../../../enclave/core/native/condition.ts'
import type { AttributeSource, FieldSource } from '../../../../enclave/core/native/schema.ts'
import type { Subject } from '../../../../enclave/core/rule.ts'
import { changed, subject } from './subject.ts'

const NAME = {
  a: 'x',
  n: 30,
  s: '30',
  flag: true,
  off: false,
  list: ['a', 'b'],
  tags: { Env: 'prod' },
  text: 'a-prod-b',
}
const blocks = { rule: [{ port: 22 }, { port: 80 }] }

/** The attribute, the operator, its value; and whether it holds for the state above. */
const VALUES: readonly [path: string, operator: string, value: unknown, holds: boolean][] = [
  ['a', 'equals', 'x', true],
  ['a', 'equals', 'y', false],
  ['n', 'equals', '30', true],
  ['s', 'equals', 30, true],
  ['flag', 'equals', 'true', true],
  ['off', 'equals', false, true],
  ['missing', 'equals', false, true],
  ['missing', 'equals', null, true],
  ['missing', 'equals', 'x', false],
  ['a', 'equals', null, false],
  ['a', 'not_equals', 'y', true],
  ['a', 'not_equals', 'x', false],
  ['missing', 'not_equals', 'x', true],
  ['tags.Env', 'equals', 'prod', true],
  ['list', 'equals', 'a', true],
  ['list', 'equals', ['a', 'b'], true],
  ['a', 'in', ['w', 'x'], true],
  ['a', 'in', ['w'], false],
  ['missing', 'in', ['w'], false],
  ['list', 'in', ['b'], true],
  ['list', 'contains', 'b', true],
  ['list', 'contains', 'c', false],
  ['text', 'contains', 'prod', true],
  ['tags', 'contains', 'Env', true],
  ['tags', 'contains', 'toString', false],
  ['missing', 'contains', 'x', false],
  ['text', 'matches', 'prod', true],
  ['text', 'matches', '^prod$', false],
  ['list', 'matches', '^b$', true],
  ['missing', 'matches', '.*', false],
  ['a', 'exists', undefined, true],
  ['missing', 'exists', undefined, false],
  ['tags.constructor', 'exists', undefined, false],
  ['n', 'greater_than', 29, true],
  ['n', 'greater_than', 30, false],
  ['s', 'greater_or_equal', 30, true],
  ['n', 'less_than', 31, true],
  ['n', 'less_or_equal', 29, false],
  ['a', 'less_than', 1, false],
  ['rule.port', 'equals', 80, true],
  ['rule.port', 'equals', 443, false],
  ['rule.port', 'less_than', 23, true],
]

test.each(VALUES)('%s %s %j: %s', (attribute, operator, value, holds) => {
  const condition = compileCondition({ attribute, operator, value } as AttributeSource)
  expect(condition.holds(changed({}, { ...NAME, ...blocks }))).toBe(holds)
})

/** What changed, and whether the condition on it holds. */
const CHANGES: readonly [AttributeSource, Subject, boolean][] = [
  [{ attribute: 'a', operator: 'changed' }, changed({ a: [1, 2] }), true],
  [{ attribute: 'a', operator: 'changed' }, changed({ ab: [1, 2] }), false],
  [{ attribute: 'a', operator: 'changed' }, changed({ 'a.b': [1, 2] }), true],
  [{ attribute: 'a.b', operator: 'changed' }, changed({ a: [{ b: 1 }, { b: 2 }] }), true],
  [
    { attribute: 'a.b', operator: 'changed' },
    changed({
      a: [
        { b: 1, c: 1 },
        { b: 1, c: 2 },
      ],
    }),
    false,
  ],
  [{ attribute: 'a.b', operator: 'changed' }, changed({ a: [[{ b: 1 }], [{ b: 1 }, { b: 2 }]] }), true],
  [{ attribute: 'a', operator: 'changed', from: true, to: false }, changed({ a: [true, false] }), true],
  [{ attribute: 'a', operator: 'changed', from: true, to: false }, changed({ a: ['true', 'false'] }), true],
  [{ attribute: 'a', operator: 'changed', from: true, to: false }, changed({ a: [false, true] }), false],
  [{ attribute: 'a', operator: 'changed', to: 'x' }, changed({ a: [null, 'x'] }), true],
  [{ attribute: 'a', operator: 'changed', to: null }, changed({ a: ['x', null] }), true],
  [{ attribute: 'a', operator: 'changed' }, subject({ suspected: ['a'], changes: { a: ['x', null] } }), true],
  [
    { attribute: 'a', operator: 'changed', to: null },
    subject({ suspected: ['a'], changes: { a: ['x', null] } }),
    false,
  ],
  [
    { attribute: 'a', operator: 'changed', to: null },
    subject({ suspected: ['b'], changes: { a: ['x', null], b: ['x', null] } }),
    true,
  ],
  [{ attribute: 'a', operator: 'increased' }, changed({ a: ['9', 10] }), true],
  [{ attribute: 'a', operator: 'decreased' }, changed({ a: [10, 9] }), true],
  [{ attribute: 'a', operator: 'decreased' }, changed({ a: ['x', 9] }), false],
  [{ attribute: 'a', operator: 'added' }, changed({ a: [['x'], ['x', 'y']] }), true],
  [{ attribute: 'a', operator: 'added', value: 'y' }, changed({ a: [['x'], ['x', 'y']] }), true],
  [{ attribute: 'a', operator: 'added', value: 'x' }, changed({ a: [['x'], ['x', 'y']] }), false],
  [{ attribute: 'a', operator: 'removed', value: 'x' }, changed({ a: [['x'], ['y']] }), true],
  [{ attribute: 'a', operator: 'removed' }, changed({ a: [null, ['y']] }), false],
  [{ attribute: 'a', operator: 'equals', value: 2 }, changed({ a: [1, 2] }, { a: 1 }), true],
  [{ attribute: 'a.b', operator: 'equals', value: 2 }, changed({ 'a.b': [1, 2] }, { a: [{ b: 1, c: 3 }] }), true],
  [{ attribute: 'a.c', operator: 'equals', value: 3 }, changed({ 'a.b': [1, 2] }, { a: [{ b: 1, c: 3 }] }), true],
]

test.each(CHANGES)('%j', (source, seen, holds) => {
  expect(compileCondition(source).holds(seen)).toBe(holds)
})

const FIELDS: readonly [FieldSource, boolean][] = [
  [{ field: 'kind', operator: 'equals', value: 'changed' }, true],
  [{ field: 'actor.type', operator: 'equals', value: 'Root' }, false],
  [{ field: 'actor.console', operator: 'equals', value: true }, true],
  [{ field: 'resource.type', operator: 'matches', value: '^aws_ecr_' }, true],
  [{ field: 'event', operator: 'in', value: ['PutImageTagMutability'] }, true],
  [{ field: 'request.a.b', operator: 'exists' }, false],
  [{ field: 'record.constructor', operator: 'exists' }, false],
]

test.each(FIELDS)('%j', (source, holds) => {
  expect(compileCondition(source).holds(subject({}))).toBe(holds)
})

describe('groups', () => {
  const yes = { field: 'kind', operator: 'exists' } as const
  const no = { not: yes }
  test.each([
    [{ all: [yes, yes] }, true],
    [{ all: [yes, no] }, false],
    [{ any: [no, yes] }, true],
    [{ any: [no, no] }, false],
    [{ not: { any: [no, { all: [yes, no] }] } }, true],
  ])('%j', (source, holds) => {
    expect(compileCondition(source).holds(subject({}))).toBe(holds)
  })

  const a = { attribute: 'a', operator: 'changed' } as const
  const b = { attribute: 'b', operator: 'changed' } as const
  test("of a rule's list one `changed` must hold, and every other condition", () => {
    expect(compileConditions([a, b, yes]).holds(changed({ b: [1, 2] }))).toBe(true)
    expect(compileConditions([a, b, no]).holds(changed({ a: [1, 2], b: [1, 2] }))).toBe(false)
    expect(compileConditions([a, b, yes]).holds(changed({ c: [1, 2] }))).toBe(false)
    expect(compileConditions([{ all: [a, b] }]).holds(changed({ b: [1, 2] }))).toBe(false)
  })
})

test('an explanation says what each part came to, and what it saw', () => {
  const check = compileConditions([
    { attribute: 'a', operator: 'changed', to: 2 },
    { attribute: 'tags.Env', operator: 'equals', value: 'prod' },
  ])
  expect(explain(check, changed({ a: [1, 2] }, { tags: { Env: 'dev' } }))).toEqual({
    text: 'all',
    outcome: false,
    parts: [
      { text: 'a changed to 2', outcome: true, found: 'a: 1 -> 2', parts: [] },
      { text: 'tags.Env equals "prod"', outcome: false, found: '"dev"', parts: [] },
    ],
  })
})
