import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDriftignore } from '../../../enclave/core/driftignore.ts'

test.each<[string, string, string, string, string | null, boolean]>([
  ['a resource', 'aws_iam_user.bob', 'aws_iam_user', 'bob', null, true],
  ['another resource', 'aws_iam_user.bob', 'aws_iam_user', 'bobby', null, false],
  ['a resource with its fields', 'aws_iam_user.bob', 'aws_iam_user', 'bob', 'tags.Name', true],
  ['a type by its name', 'aws_s3_bucket', 'aws_s3_bucket', 'b', null, true],
  ['and not the types that begin with it', 'aws_s3_bucket', 'aws_s3_bucket_policy', 'b', null, false],
  ['a type by a star', 'aws_s3_bucket.*', 'aws_s3_bucket', 'a/b.c', 'acl', true],
  ['a field', 'aws_lambda_function.f.last_modified', 'aws_lambda_function', 'f', 'last_modified', true],
  ['a field, and not the resource', 'aws_lambda_function.f.last_modified', 'aws_lambda_function', 'f', null, false],
  ['a field, and not another', 'aws_lambda_function.f.last_modified', 'aws_lambda_function', 'f', 'runtime', false],
  ['a field of all', 'aws_lambda_function.*.timeout', 'aws_lambda_function', 'f', 'timeout', true],
  ['a field and what is in it', 'aws_instance.i.tags', 'aws_instance', 'i', 'tags["example.com/x"]', true],
  ['a star in the middle', 'res.*.struct.*.baz', 'res', 'a', 'struct.bar.baz', true],
  ['stars in a row', '*2**.**d1*', 'type2', 'id11', null, true],
  ['a star that matches less', 'type3.id1***0', 'type3', 'id101', null, false],
  ['escaped dots', String.raw`t.id\.with\.dots`, 't', 'id.with.dots', null, true],
  ['an escaped backslash', String.raw`t.id\\x`, 't', String.raw`id\x`, null, true],
  ['an escaped star', String.raw`t.a\*`, 't', 'ab', null, false],
  ['one character', 't.i?', 't', 'id', null, true],
  ['a class', 't.i-[0-9a-f]', 't', 'i-c', null, true],
  ['a class turned round', 't.i-[!0-9]', 't', 'i-3', null, false],
  [
    'slashes',
    'aws_iam_policy_attachment.r-arn:aws:iam::aws:policy/*',
    'aws_iam_policy_attachment',
    'r-arn:aws:iam::aws:policy/a/b',
    null,
    true,
  ],
  ['all', '*', 'anything', 'x', 'y', true],
  ['all but a type', '*\n!aws_s3_bucket', 'aws_s3_bucket', 'b', 'acl', false],
  ['all but a type, so another', '*\n!aws_s3_bucket', 'aws_sqs_queue', 'b', null, true],
  ['all but one resource', '*\n!aws_s3_bucket.test-*', 'aws_s3_bucket', 'test-1', null, false],
  ['all but types by a star', '*\n!aws_s3*', 'aws_s3_access_point', 'a', null, false],
  ['the last line that matches', '!t.a\nt.*', 't', 'a', null, true],
  ['a comment', '# t.a\n', 't', 'a', null, false],
  ['no comment behind a pattern', 't.a # why', 't', 'a', null, false],
  ['spaces at the end', 't.a   ', 't', 'a', null, true],
  ['lines of Windows', 't.a\r\nt.b\r\n', 't', 'b', null, true],
  ['nothing', '\n \n', 't', 'a', null, false],
  ['a class that never ends', 't.[a', 't', 'a', null, false],
  ['an escape of nothing', 't.a\\', 't', 'a', null, false],
])('.driftignore knows %s', (_, text, type, id, path, ignored) => {
  expect(parseDriftignore(text).ignores(type, id, path) !== undefined).toBe(ignored)
})

test('says which line it was', () => {
  expect(parseDriftignore('# x\nt.*\n').ignores('t', 'a', null)).toBe('t.*')
})

test('takes any text for a file, and a name escaped for that name', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text))
  fc.assert(
    fc.property(name, fc.string(), (id, noise) => {
      const escaped = id.replace(/[\\*?[\] ]/g, (character) => `\\${character}`)
      expect(parseDriftignore(`${noise}\nt.${escaped}`).ignores('t', id, null)).toBe(`t.${escaped}`)
    }),
    { numRuns: 200 },
  )
})

test('a pattern of stars takes no longer than it is long', () => {
  const file = parseDriftignore(`t.${'*a'.repeat(2000)}b`)
  expect(file.ignores('t', 'a'.repeat(10_000), null)).toBeUndefined()
})
