import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CatalogError, parseService } from '../../../enclave/core/catalog_file.ts'
import { createCatalog } from '../../../enclave/core/catalog.ts'
import { catalog, ecr, ecrText } from './world.ts'
import { isClean } from './thrown.ts'

const lineOf = (text: string): number => ecrText.slice(0, ecrText.indexOf(text)).split('\n').length

describe('a mistake names its place', () => {
  test.each<[string, string, string, string]>([
    ['an unknown key', 'identities: [id, name, arn]', 'identitys: [id, name, arn]', 'aws_ecr_repository'],
    ['an unknown kind', 'scan_on_push: bool', 'scan_on_push: boolean', 'attributes'],
    ['an unknown effect', 'effect: create', 'effect: make', 'CreateRepository.targets.0.effect'],
    [
      'a type nobody described',
      '- type: aws_ecr_repository_policy',
      '- type: aws_ecr_registry_policy',
      'targets.0.type',
    ],
    ['an attribute nobody described', 'policy: request.policyText', 'polcy: request.policyText', 'set.polcy'],
    ['a place outside the record', 'policy: request.policyText', 'policy: policyText', 'SetRepositoryPolicy'],
    ['fields without blocks', 'read: tags, default: {}', 'read: tags, fields: { a: b }', 'CreateRepository'],
    ['an event that is both', '- PutImage\n', '- PutImage\n  - PutLifecyclePolicy\n', 'events.PutLifecyclePolicy'],
  ])('%s', (_, from, to, where) => {
    const act = () => parseService(ecrText.replace(from, to), 'ecr.yaml')
    expect(act).toThrow(CatalogError)
    expect(act).toThrow(where)
    expect(act).toThrow(/^ecr\.yaml:\d+: /)
  })

  test('by its line', () => {
    const line = lineOf('effect: create')
    const act = () => parseService(ecrText.replace('effect: create', 'effect: make'), 'ecr.yaml')
    expect(act).toThrow(`ecr.yaml:${line}: `)
  })

  test.each(['a: [', 'a: 1\na: 2', 'text', '', '- 1', 'a: *nobody'])('%j is no catalog', (text) => {
    expect(() => parseService(text, 'x.yaml')).toThrow(CatalogError)
  })
})

test('throws nothing but its own error', () => {
  const lines = ecrText.split('\n')
  const at = fc.nat({ max: lines.length - 1 })
  const line = fc.oneof(fc.string(), fc.constantFrom('events:', '  - 1', 'a: &a [*a]', '      type: x', ' : ', '? {'))
  fc.assert(
    fc.property(at, line, fc.string(), (index, other, text) => {
      expect(isClean(() => parseService(lines.with(index, other).join('\n'), 'x'), CatalogError)).toBe(true)
      expect(isClean(() => parseService(text, 'x'), CatalogError)).toBe(true)
    }),
  )
})

test('adding to what is no map is a mistake', () => {
  const text = ecrText.replace('add:\n          tags: {', 'add:\n          image_tag_mutability: {')
  expect(() => parseService(text, 'ecr.yaml')).toThrow('add is for maps')
})

test('one service has one file', () => {
  expect(() => createCatalog([ecr, ecr])).toThrow(TypeError)
})

test('an event belongs to its service', () => {
  expect(catalog.entry('ecr.amazonaws.com', 'TagResource')?.kind).toBe('configuration')
  expect(catalog.entry('ecr.amazonaws.com', 'PutImage')?.kind).toBe('content')
  expect(catalog.entry('kms.amazonaws.com', 'TagResource')).toBeUndefined()
  expect(catalog.entry('ecr.amazonaws.com', 'toString')).toBeUndefined()
})

test('every event has an example that finds something and one that does not', () => {
  for (const [event, examples] of Map.groupBy(ecr.examples, (example) => example.event)) {
    const found = new Set(examples.map(({ finds }) => finds['outcome'] !== 'ignored'))
    expect([event, found.size]).toEqual([event, 2])
  }
})
