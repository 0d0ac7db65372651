import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { globs, matchesGlob } from '../../../enclave/core/glob.ts'

test.each([
  ['*', '', true],
  ['arn:aws:iam::*:role/terraform', 'arn:aws:iam::111122223333:role/terraform', true],
  ['arn:aws:iam::*:role/terraform', 'arn:aws:iam::111122223333:role/terraform-x', false],
  ['arn:aws:iam::*:role/*', 'arn:aws:iam::111122223333:role/ci/terraform', true],
  ['*terraform*', 'x-terraform-y', true],
  ['ab*ba', 'aba', false],
  ['a*b*c', 'a-c-b', false],
  ['a.c', 'abc', false],
  ['', '', true],
  ['', 'a', false],
])('%j on %j: %s', (pattern, text, matches) => {
  expect(matchesGlob(pattern, text)).toBe(matches)
})

test.each([
  ['aws_vpc', true],
  ['aws_s3_bucket', true],
  ['aws_s3', false],
  ['aws', false],
])('several patterns on %j: %s', (text, matches) => {
  expect(globs(['aws_vpc', 'aws_s3_*', 'aws_iam_role'])(text)).toBe(matches)
})

test('agrees with the regular expression that it replaces', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
  fc.assert(
    fc.property(letters, texts, (pattern, text) => {
      expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text))
    }),
    { numRuns: 2000 },
  )
})
