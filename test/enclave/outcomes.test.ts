import { expect, it } from 'vitest'
import { rejected } from '../../enclave/core/draft.ts'
import { countOutcomes } from '../../enclave/outcomes.ts'

it('says what became of the events, once, and again when there are more', () => {
  const lines: unknown[] = []
  const { observe, report } = countOutcomes((...line) => lines.push(line))
  report()
  expect(lines).toEqual([])
  observe(rejected('not JSON'))
  observe({ ...rejected('not JSON'), outcome: 'drift' })
  observe(rejected('not JSON'))
  report()
  report()
  expect(lines).toEqual([['info', 'outcomes', { rejected: 2, drift: 1 }]])
  observe(rejected('not JSON'))
  report()
  expect(lines).toHaveLength(2)
})
