import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { coverageOf, coveragePages } from '../../operator/coverage.ts'
import { services } from '../enclave/core/services.ts'

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
  const tagging = services.find(({ name }) => name === 'tagging.yaml')
  expect(tagging && coverageOf(tagging)).toEqual({
    file: 'tagging',
    title: 'Resource Groups Tagging API',
    source: 'tagging.amazonaws.com',
    events: 2,
    types: 0,
    attributes: 0,
    examples: 5,
    content: 1,
    unproven: 0,
  })
})
