import { describe, expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import { ecr, stateOf, worldOf } from './world.ts'

describe.each(ecr.examples)('$event: $name', ({ record, state, finds }) => {
  test('finds exactly what it says', () => {
    const event = parseRecord(record)
    const { kind, findings } = detect(event, worldOf([stateOf(state)]), Date.parse(event.time))
    expect(kind).toBe('judged')
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject(finds)
    expect({ changes: findings[0]?.changes, delta: findings[0]?.delta }).toEqual({
      changes: finds['changes'] ?? {},
      delta: finds['delta'] ?? {},
    })
  })
})
