import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalEventSelectors } from '../../../enclave/core/event_selectors.ts'
import { canonicalJson, type Json } from '../../../enclave/core/json.ts'

const same = (a: Json, b: Json): boolean =>
  canonicalJson(normalEventSelectors(a)) === canonicalJson(normalEventSelectors(b))

const untold = {
  data_resource: [],
  exclude_management_event_sources: [],
  include_management_events: true,
  read_write_type: 'All',
}
const files = (...values: string[]) => ({ type: 'AWS::S3::Object', values })

describe('two lists of selectors', () => {
  test.each<[string, Json, Json, boolean]>([
    ['of which one says what a trail does by itself', [], [untold], true],
    ['of which one is not there', null, [{}], true],
    ['with a flag as text', [untold], [{ ...untold, include_management_events: 'true' }], true],
    ['without reads', [untold], [{ ...untold, read_write_type: 'WriteOnly' }], false],
    ['without management', [], [{ ...untold, include_management_events: false }], false],
    ['without a source', [], [{ ...untold, exclude_management_event_sources: ['kms.amazonaws.com'] }], false],
    ['with that beside another', [{ data_resource: [files()] }], [untold, { data_resource: [files()] }], false],
    ['with data', [], [{ ...untold, data_resource: [files()] }], false],
    ['with data in any order', [{ data_resource: [files('a', 'b')] }], [{ data_resource: [files('b', 'a')] }], true],
    ['with other data', [{ data_resource: [files('a')] }], [{ data_resource: [files('b')] }], false],
  ])('%s', (_, a, b, is) => {
    expect(same(a, b)).toBe(is)
    expect(same(b, a)).toBe(is)
  })
})

test('whatever comes, nothing fails', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const any = value as Json // both are what JSON.parse gives
      expect(() =>
        normalEventSelectors([{ data_resource: [{ values: any }, any], read_write_type: any }, any]),
      ).not.toThrow()
    }),
    { numRuns: 50 },
  )
})
