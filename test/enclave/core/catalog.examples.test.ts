import { describe, expect, test } from 'vitest'
import type { Example } from '../../../enclave/core/catalog.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect, type World } from '../../../enclave/core/detect.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { catalog, files, services } from './services.ts'
import { stateOf, worldOf } from './world.ts'

test.each(files)('$file is a catalog file', ({ service }) => {
  expect(service).not.toBeInstanceOf(Error)
})

/** The examples of a file share its states. An index costs more than all that is found in it, and `detect` changes none. */
const worlds = new Map<Example['state'], World>()

/** What the detector finds in an example's record, against the example's state. */
function found({ state }: Example, record: JsonObject) {
  const world = worlds.get(state) ?? worldOf([stateOf(state)], { catalog })
  worlds.set(state, world)
  const event = parseRecord(record)
  return detect(event, world, Date.parse(event.time))
}

/** What a resource of no state is set to, an example need not say. */
const isOpen = ({ outcome, changes }: JsonObject): boolean => outcome === 'unmanaged' && changes === undefined

// One service alone: npx vitest run test/enclave/core/catalog.examples.test.ts -t s3
describe.each(services)('$name', ({ name, examples, calls }) => {
  test.each(examples)(`${name}: $event: $name`, (example) => {
    const { kind, findings } = found(example, example.record)
    expect(kind).toBe('judged')
    expect(findings).toHaveLength(example.finds.length)
    expect(findings).toMatchObject(example.finds)
    const both = example.finds.map((finds, at) => [finds, findings[at]] as const).filter(([finds]) => !isOpen(finds))
    expect(both.map(([, finding]) => finding?.changes)).toEqual(both.map(([finds]) => finds['changes'] ?? {}))
  })

  const firing = examples.filter(({ finds }) => finds.some(({ outcome }) => outcome !== 'ignored'))

  test(`${name}: every call has an example that finds something`, () => {
    const shown = new Set(firing.map(({ event }) => event))
    expect(calls.map(({ event }) => event).filter((event) => !shown.has(event))).toEqual([])
  })

  test.each(firing)(`${name}: $event: $name, but the call failed`, (example) => {
    const { findings } = found(example, { ...example.record, errorCode: 'AccessDenied' })
    expect(findings).toMatchObject([{ outcome: 'ignored', changes: {} }])
  })

  const drifting = firing.filter(({ finds }) => finds.some(({ outcome }) => outcome === 'drift'))
  test.each(drifting)(`${name}: $event: $name, but of another account`, (example) => {
    const { findings } = found(
      example,
      JSON.parse(JSON.stringify(example.record).replaceAll('111122223333', '999988887777')),
    )
    expect(findings.map(({ outcome }) => outcome)).not.toContain('drift')
  })
})
