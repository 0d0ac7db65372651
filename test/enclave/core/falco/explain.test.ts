import { expect, test } from 'vitest'
import { loadRuleFiles } from '../../../../enclave/core/falco/rules.ts'
import { subject } from './subject.ts'

test('an explanation has the outcome of every check, with what was found', () => {
  const text = `- {rule: r, desc: d, condition: 'evt.name = x and not (ct.error exists or cloud.user in (a, "b c"))', output: o, priority: debug}`
  const [rule] = loadRuleFiles([{ name: 'x', text }]).rules
  expect(rule?.explain(subject())).toEqual({
    text: 'and',
    outcome: false,
    parts: [
      { text: 'evt.name = x', outcome: false, found: 'PutImageTagMutability', parts: [] },
      {
        text: 'not',
        outcome: true,
        parts: [
          {
            text: 'or',
            outcome: false,
            parts: [
              { text: 'ct.error exists', outcome: false, parts: [] },
              { text: 'cloud.user in (a, "b c")', outcome: false, found: 'admin@example.com', parts: [] },
            ],
          },
        ],
      },
    ],
  })
})

test('a rule of another source says so', () => {
  const text = '- {rule: r, desc: d, condition: evt.num = 1, output: o, priority: debug, source: gcp_auditlog}'
  const [rule] = loadRuleFiles([{ name: 'x', text }]).rules
  expect(rule?.explain(subject())).toEqual({
    text: 'an event of source gcp_auditlog',
    outcome: false,
    parts: [{ text: 'evt.num = 1', outcome: true, found: '1', parts: [] }],
  })
})
