import { describe, expect, it } from 'vitest'
import { CHECKS } from './checks.ts'
import { readRendering, type Resources } from './rendering.ts'

const { open, minimal } = readRendering()
const resources: Resources = { ...minimal, ...open }

describe.each(CHECKS)('$id: $says', ({ type, holds, except = {} }) => {
  const subjects = Object.entries(resources).filter(([address]) => address.startsWith(`${type}.`))
  const beside = (address: string) => (other: string) => resources[address.replace(type, other)] ?? {}

  it('holds for all but the exceptions', () => {
    expect(subjects.length).toBeGreaterThan(0)
    const broken = subjects.flatMap(([address, fields]) => (holds(fields, beside(address)) ? [] : [address]))
    expect(broken.sort()).toEqual(Object.keys(except).sort()) // an exception that is none any more is removed
  })
})
