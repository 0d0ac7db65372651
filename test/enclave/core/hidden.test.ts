import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import { isObject, type Json } from '../../../enclave/core/json.ts'
import { catalog, services } from './services.ts'
import { worldOf } from './world.ts'

const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS'
const WHERE = ['requestParameters', 'responseElements'] as const

/** The same with one of its texts hidden, once for each of them. */
function* withOneHidden(value: Json): Generator<Json> {
  if (typeof value === 'string') yield HIDDEN
  else if (Array.isArray(value))
    for (const [at, member] of (value as readonly Json[]).entries())
      for (const hidden of withOneHidden(member)) yield (value as readonly Json[]).with(at, hidden)
  else if (isObject(value))
    for (const [name, member] of Object.entries(value))
      for (const hidden of withOneHidden(member)) yield { ...value, [name]: hidden }
}

/** Without a state: what the record names and sets is the same, and no index has to be made. */
const world = worldOf([], { catalog })

test.each(services)('$name: no text that is hidden passes for a name, or for a value', ({ examples }) => {
  const shown = new Set<string>()
  const records = new Map(examples.map(({ event, record }) => [event, record]))
  for (const [event, record] of records)
    for (const where of WHERE)
      for (const hidden of withOneHidden(record[where] ?? null)) {
        const { findings } = detect(parseRecord({ ...record, [where]: hidden }), world, 0)
        if (JSON.stringify(findings.map(({ resource, changes }) => [resource, changes])).includes(HIDDEN))
          shown.add(event)
      }
  expect([...shown]).toEqual([])
})
