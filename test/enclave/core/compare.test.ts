import { describe, expect, it } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { compare, type Known } from '../../../enclave/core/compare.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { ecr, record } from './world.ts'

const digest = (value: string): string => `sha256:${value.length}`

function changes(event: string, request: JsonObject, known: Known | undefined): { readonly [path: string]: Json } {
  const entry = ecr.events.get(event)
  const target = entry?.kind === 'configuration' ? entry.targets[0] : undefined
  if (target === undefined) throw new TypeError(`${event} is not in the catalog`)
  const { changes: found } = compare(target, parseRecord(record(event, request)), known, digest)
  return Object.fromEntries(found.map(({ path, old, now }) => [path, [old, now]]))
}

const known = (attributes: JsonObject, sensitive: readonly string[] = []): Known => ({ attributes, sensitive })
const tags = (...pairs: readonly (readonly [string, string])[]): JsonObject => ({
  repositoryName: 'app',
  resourceArn: 'arn:aws:ecr:eu-west-1:111122223333:repository/app',
  tags: pairs.map(([key, value]) => ({ key, value })),
})

describe('tags', () => {
  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('may be called %s', (key) => {
    const whole = changes('CreateRepository', tags([key, 'v']), known({ name: 'app', tags_all: {} }))
    expect(whole[`tags.${key}`]).toEqual([null, 'v'])
    expect(changes('TagResource', tags([key, 'v']), known({ tags_all: {} }))).toEqual({ [`tags.${key}`]: [null, 'v'] })
  })

  it.each<[what: string, attributes: JsonObject, now: readonly [string, string], found: JsonObject]>([
    ['default_tags count as the state’s', { tags: {}, tags_all: { Team: 'a' } }, ['Team', 'a'], {}],
    ['without tags_all, tags count', { tags: { Team: 'a' } }, ['Team', 'b'], { 'tags.Team': ['a', 'b'] }],
    ['AWS’s own do not count', { tags_all: {} }, ['aws:cloudformation:stack-name', 'x'], {}],
    ['an empty value is a value', { tags_all: {} }, ['Team', ''], { 'tags.Team': [null, ''] }],
  ])('%s', (_what, attributes, now, found) => {
    expect(changes('TagResource', tags(now), known(attributes))).toEqual(found)
  })
})

describe('what Terraform marks as sensitive', () => {
  const request = { repositoryName: 'app', imageTagMutability: 'MUTABLE' }
  it('is shown as digests, old and new', () => {
    expect(
      changes('PutImageTagMutability', request, known({ image_tag_mutability: 'IMMUTABLE' }, ['image_tag_mutability'])),
    ).toEqual({ image_tag_mutability: ['sha256:9', 'sha256:7'] })
  })
  it('is still compared', () => {
    expect(
      changes('PutImageTagMutability', request, known({ image_tag_mutability: 'MUTABLE' }, ['image_tag_mutability'])),
    ).toEqual({})
  })
})

it.each(['HIDDEN_DUE_TO_SECURITY_REASONS', '<sensitiveDataRemoved>', '****'])(
  '%s is a change to what nobody sees',
  (now) => {
    expect(
      changes(
        'PutImageTagMutability',
        { repositoryName: 'app', imageTagMutability: now },
        known({ image_tag_mutability: 'IMMUTABLE' }),
      ),
    ).toEqual({ image_tag_mutability: ['IMMUTABLE', null] })
  },
)
