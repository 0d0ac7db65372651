import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSettings, SettingsError } from '../../../deploy/runner/settings.ts'

const good = {
  environment: 'production',
  eif: '/app/driftseal.eif',
  cid: 16,
  cpu_count: 2,
  memory_mib: 2048,
  port: 8081,
}
const read = (value: unknown) => parseSettings(Buffer.from(JSON.stringify(value)))

describe('the runner’s settings', () => {
  it('are read, without debug mode unless it is asked for', () => {
    expect(read(good)).toEqual({ ...good, debug: false })
    expect(read({ ...good, environment: 'debug', debug: true })).toMatchObject({ debug: true })
  })

  it.each([
    ['debug mode in production', { ...good, debug: true }, /not in production/],
    ['an unknown key', { ...good, console: true }, /console/],
    ['a CID of the hypervisor', { ...good, cid: 2 }, /cid/],
    ['the parent’s CID', { ...good, cid: 3 }, /cid/],
    ['a single CPU', { ...good, cpu_count: 1 }, /cpu_count/],
    ['half a mebibyte', { ...good, memory_mib: 64.5 }, /memory_mib/],
    ['no image', { ...good, eif: undefined }, /eif/],
    ['text', 'driftseal', /top level/],
  ])('refuse %s', (_, value, message) => {
    expect(() => read(value)).toThrow(SettingsError)
    expect(() => read(value)).toThrow(message)
  })

  it('refuse what is no YAML, and what is too much', () => {
    expect(() => parseSettings(Buffer.from('{'))).toThrow(SettingsError)
    expect(() => parseSettings(Buffer.from([0xff]))).toThrow(SettingsError)
    expect(() => parseSettings(Buffer.alloc((1 << 16) + 1, ' '))).toThrow(/65536 bytes/)
  })

  it('throw nothing but their own error', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, (value) => {
        expect(() => parseSettings(value)).toThrow(SettingsError)
      }),
      { numRuns: 100 },
    )
  })
})
