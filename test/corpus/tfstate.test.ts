import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../enclave/core/json.ts'
import { contentOf, parseState, StateError, type State } from '../../enclave/core/state.ts'
import { createStateIndex } from '../../enclave/core/state_index.ts'
import { catalog } from '../enclave/core/world.ts'
import { corpusPath } from './data.ts'

const folder = corpusPath('tfstate')
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))

const parse = (file: string): State | StateError => {
  try {
    return parseState(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof StateError) return error
    throw error
  }
}
const parsed = files.map((file) => [file.slice(folder.length + 1), parse(file)] as const)

test.each(parsed)('%s is a state or a clear error', (file, result) => {
  const clear = result instanceof StateError && result.message.includes(file)
  const addresses = result instanceof StateError ? [] : result.instances.map(({ address }) => address)
  expect(clear || addresses.length === new Set(addresses).size).toBe(true)
})

/** All are in the form of Terraform 0.11, which a later Terraform kept until the resource was applied again. */
const LEGACY = [
  'cycloidio+inframap/generate/testdata/aws_state_multiple_hanging_edges.json',
  'cycloidio+inframap/generate/testdata/flexibleengine_state_tf_011.json',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v1-simple.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v3-bigint.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v3-invalid-depends.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v3-simple.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v4-legacy-modules.in.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v4-legacy-modules.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v4-legacy-simple.in.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v4-legacy-simple.out.tfstate',
  'fujiwara+tfstate-lookup/tfstate/roundtrip/v4-simple.in.tfstate',
]

test('what is refused is refused for the right reason', () => {
  const refused = parsed.flatMap(([file, result]) => (result instanceof StateError ? [`${result.code} ${file}`] : []))
  expect(new Set(refused)).toEqual(new Set(LEGACY.map((file) => `ERR_STATE_LEGACY ${file}`)))
  expect(parsed.length - refused.length).toBeGreaterThan(165)
})

test('a state holds what a parser of the whole tree sees in it', () => {
  for (const [file, state] of parsed) {
    if (state instanceof StateError) continue
    const tree = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { readonly resources?: readonly Tree[] }
    const expected = (tree.resources ?? [])
      .filter(({ mode }) => mode === 'managed')
      .flatMap(({ instances }) => instances.map(({ attributes }) => attributes ?? {}))
    expect(state.instances.map((instance) => contentOf(instance).attributes)).toEqual(expected)
  }
})

interface Tree {
  readonly mode: string
  readonly instances: readonly { readonly attributes?: JsonObject }[]
}

describe('ECR', () => {
  test.each([
    ['aws_ecr_repository', 'eu-west-3', '726421854799', 'aws_ecr_repository.foo'],
    ['aws_ecr_repository_policy', 'anywhere', '586583619100', 'aws_ecr_repository_policy.foopolicy'],
  ])('%s is found', (type, region, account, address) => {
    const file = `snyk+driftctl/pkg/iac/terraform/state/test/${type}/terraform.tfstate`
    const state = parse(join(folder, file))
    if (state instanceof StateError) throw state
    const index = createStateIndex(catalog.types)
    index.replace(state, 0)
    expect(index.find({ cloud: 'aws', account, region, type, id: 'bar' })?.address).toBe(address)
  })
})
