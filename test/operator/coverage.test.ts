import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { coverageOf, coveragePages } from '../../operator/coverage.ts'
import { services } from '../enclave/core/world.ts'

const folder = new URL('../../docs/coverage/', import.meta.url)

describe('docs/coverage', () => {
  const pages = coveragePages(services)

  test('has a page for each service, and no other', () => {
    expect(readdirSync(folder).toSorted()).toEqual([...pages.keys()].toSorted())
  })

  // When this fails: npm run driftseal -- coverage --write
  test.each([...pages.keys()])('%s is what the catalog says', (name) => {
    expect(readFileSync(new URL(name, folder), 'utf8')).toBe(pages.get(name))
  })
})

test('counts what a file describes', () => {
  const ecr = services.find(({ name }) => name === 'ecr.yaml')
  expect(ecr && coverageOf(ecr)).toEqual({
    file: 'ecr',
    title: 'Amazon ECR',
    source: 'ecr.amazonaws.com',
    events: 11,
    types: 4,
    attributes: 9,
    examples: 26,
    content: 9,
    unproven: 0,
  })
})
