import { expect, test } from 'vitest'
import { spread } from '../../../enclave/core/among.ts'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { Json } from '../../../enclave/core/json.ts'
import { createStateIndex } from '../../../enclave/core/state_index.ts'
import { catalog, record, repository, stateOf } from './world.ts'

const NONE = new Map<string, never>()

test.each<[string, Json | undefined, readonly string[]]>([
  ['that lists it', ['MUTABLE', 'IMMUTABLE'], ['create']],
  ['that lists others', ['MUTABLE'], ['delete']],
  ['that lists none', [], []],
  ['without a list', undefined, []],
  ['with a list that is hidden in part', ['MUTABLE', 'HIDDEN_DUE_TO_SECURITY_REASONS'], []],
])('a call %s', (_, list, effects) => {
  const type = catalog.types.get('aws_ecr_repository')
  if (type === undefined) throw new Error('the catalog lacks its type')
  const states = createStateIndex(catalog.types)
  states.replace(stateOf(repository), 0)
  const among = { attribute: 'image_tag_mutability', listed: () => list }
  const parts = { effect: 'put', set: NONE, add: NONE, remove: NONE, touch: [], among } as const
  const event = parseRecord(record('PutImageTagMutability', {}))
  const touchOn = (name: string) => ({ event, targets: [{ ...parts, type, identify: () => [name] }] as const })
  const found = spread([touchOn('my-app-repo'), touchOn('other')], states)
  expect(found.map(({ targets: [target] }) => target.effect)).toEqual(effects)
})
