import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../enclave/core/json.ts'
import { hideSecrets, isSecret } from '../../../enclave/core/secrets.ts'

const digest = (value: string): string => `sha256:${value.length}`

test.each<[string, readonly string[], boolean]>([
  ['password', ['password'], true],
  ['user.password', ['user'], true],
  ['user', ['user.password'], false],
  ['users', ['user'], false],
  ['variables["a.b"]', ['variables["a.b"]'], true],
  ['variables.a.b', ['variables["a.b"]'], false],
  ['anything', [], false],
])('%s is secret where %j is: %s', (path, secrets, secret) => {
  expect(isSecret(path, secrets)).toBe(secret)
})

describe('hides', () => {
  test.each<[string, Json, string, readonly string[], Json]>([
    ['a value', 'hunter2', 'password', ['password'], 'sha256:7'],
    ['a number as its text', 30, 'port', ['port'], 'sha256:2'],
    ['nothing where there is nothing', null, 'password', ['password'], null],
    ['all of what lies in a secret', { a: 1 }, 'user.settings', ['user'], 'sha256:7'],
    [
      'a field of blocks',
      [{ name: 'n', password: 'hunter2' }],
      'user',
      ['user.password'],
      [{ name: 'n', password: 'sha256:7' }],
    ],
    ['a key of a map', { a: 'x', 'a.b': 'y' }, 'variables', ['variables["a.b"]'], { a: 'x', 'a.b': 'sha256:1' }],
    ['text that should be blocks', '[{"password":1}]', 'user', ['user.password'], 'sha256:16'],
    ['nothing else', [{ name: 'n' }], 'user', ['user.password', 'other'], [{ name: 'n' }]],
  ])('%s', (_, value, path, secrets, hidden) => {
    expect(hideSecrets(value, path, secrets, digest)).toEqual(hidden)
  })

  test('every secret, however deep', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ b: fc.array(fc.record({ c: fc.constant('hunter2'), d: fc.string() })) })),
        (value) => {
          expect(JSON.stringify(hideSecrets(value as Json, 'a', ['a.b.c'], digest))).not.toContain('hunter2')
        },
      ),
    )
  })
})
