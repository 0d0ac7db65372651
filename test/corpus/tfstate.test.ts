import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../enclave/core/json.ts'
import { parseState, StateError, type State } from '../../enclave/core/state.ts'
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

test('what is refused is refused for the right reason', () => {
  const isFormat4 = (file: string): boolean => {
    try {
      return (JSON.parse(readFileSync(join(folder, file), 'utf8')) as JsonObject)['version'] === 4
    } catch {
      return false
    }
  }
  const refused = parsed.filter(([file, result]) => result instanceof StateError && isFormat4(file))
  expect(parsed.length - refused.length).toBeGreaterThan(150)
  for (const [file, error] of refused)
    expect([file, (error as StateError).code]).toEqual([file, expect.stringMatching(/LEGACY|SHAPE/)])
})

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
