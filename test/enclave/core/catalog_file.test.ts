import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CatalogError, parseService } from '../../../enclave/core/catalog_file.ts'
import { createCatalog } from '../../../enclave/core/catalog.ts'
import { catalog, ecr, ecrSchema, ecrText } from './world.ts'
import { isClean } from './thrown.ts'

const parse = (text: string, schema = ecrSchema) => parseService(text, 'ecr.yaml', schema)
const lineOf = (text: string): number => ecrText.slice(0, ecrText.indexOf(text)).split('\n').length

describe('a mistake names its place', () => {
  test.each<[string, string, string, string]>([
    ['an unknown key', 'identities: [id, name, arn]', 'identitys: [id, name, arn]', 'aws_ecr_repository.identitys'],
    ['an identity that is no attribute', '[id, name, arn]', "[id, '${nam}']", 'the provider has no nam'],
    ['an unknown meaning', '{ policy: policy }', '{ policy: polcy }', 'aws_ecr_repository_policy.meaning.policy'],
    [
      'a meaning of no attribute',
      '{ policy: policy }',
      '{ polcy: policy }',
      'meaning.polcy: the provider has no polcy',
    ],
    ['a type like nothing', 'identities: [id, name, arn]', 'like: aws_ecr', 'like a type that this file does not'],
    ['an unknown effect', 'effect: create', 'effect: make', 'CreateRepository.effect'],
    ['a type nobody described', 'type: aws_ecr_repository_policy', 'type: aws_ecr_policy', 'SetRepositoryPolicy.type'],
    ['an attribute nobody has', 'policy: request.policyText', 'polcy: request.policyText', 'set.polcy'],
    [
      'a place outside the record',
      'policy: request.policyText',
      'policy: policyText',
      'SetRepositoryPolicy.set.policy',
    ],
    ['a step that is none', 'default: {} }', 'defaults: {} }', 'set.tags.defaults'],
    ['a reader that is none', 'default: {} }', 'read: tag }', 'set.tags.read: no step is called "tag"'],
    ['steps of nothing', '{ from: request.tags, default: {} }', '{ default: {} }', 'set.tags: `from` or `value`'],
    ['a call that is both', '- PutImage\n', '- PutImage\n  - PutLifecyclePolicy\n', 'events.PutLifecyclePolicy'],
    ['a call without a type', 'type: aws_ecr_lifecycle_policy', 'about: x', '`type` is missing'],
    ['a change of nothing', 'effect: delete', 'effect: change', 'DeleteRepository: a change says what it changes'],
    [
      'adding to what is one',
      'image_tag_mutability: request',
      'x: y\n    add:\n      image_tag_mutability: request',
      'set.x',
    ],
    ['a reason for no place', 'effect: delete', 'effect: delete\n    unproven: { request.x: y }', 'unproven.request.x'],
    ['a finding that is none', 'finds: nothing', 'finds: anything', 'what is found'],
    [
      'a failure of no list',
      'effect: delete',
      'effect: delete\n    failed: response.failures',
      'DeleteRepository.failed',
    ],
    [
      'nothing where nothing is owned',
      'effect: delete',
      'effect: delete\n    if_owned: true',
      'DeleteRepository: `if_owned` needs',
    ],
    [
      'tags inside of nothing',
      'identities: [id, name, arn]',
      'identities: [id]\n    inner_tags: [{ of: aws_ecr, attribute: tags }]',
      'repository.inner_tags: a type',
    ],
    [
      'tags that are not there',
      'identities: [id, name, arn]',
      'identities: [id]\n    inner_tags: [{ of: aws_ecr_repository, attribute: tag }]',
      'repository.inner_tags: the provider has no tag',
    ],
    [
      'a key that no block has',
      'identities: [id, name, arn]',
      'identities: [id]\n    keys: { encryption_configuration: name }',
      'repository.keys: the provider has no encryption_configuration.name',
    ],
    [
      'some of nothing',
      'effect: delete',
      'effect: delete\n    among: { nam: request.x }',
      'DeleteRepository.among: one',
    ],
    ['a tag without a key', 'identities: [id, name, arn]', 'identities: [id]\n    one_tag: true', 'repository.one_tag'],
    ['adding and removing', 'add: request.tags', 'add: request.tags\n    remove: request.tags', 'tagging.TagResource'],
  ])('%s', (_, from, to, where) => {
    expect(ecrText).toContain(from)
    const act = () => parse(ecrText.replace(from, to))
    expect(act).toThrow(CatalogError)
    expect(act).toThrow(where)
    expect(act).toThrow(/^ecr\.yaml:\d+: /)
  })

  test('by its line', () => {
    const act = () => parse(ecrText.replace('effect: create', 'effect: make'))
    expect(act).toThrow(`ecr.yaml:${lineOf('effect: create')}: `)
  })

  test.each(['a: [', 'a: 1\na: 2', 'text', '', '- 1', 'a: *nobody'])('%j is no catalog', (text) => {
    expect(() => parse(text)).toThrow(CatalogError)
  })

  test.each(['', '{', '1', '{"aws_x":{"a":"text"}}', '{"aws_x":1}'])('%j is no schema', (schema) => {
    expect(() => parse(ecrText, schema)).toThrow(expect.objectContaining({ code: 'ERR_CATALOG_SCHEMA' }))
  })

  test('a type that the schema lacks', () => {
    expect(() => parse(ecrText, '{}')).toThrow('not in the schema')
  })
})

test('throws nothing but its own error', () => {
  const lines = ecrText.split('\n')
  const at = fc.nat({ max: lines.length - 1 })
  const line = fc.oneof(fc.string(), fc.constantFrom('events:', '  - 1', 'a: &a [*a]', '    type: x', ' : ', '? {'))
  fc.assert(
    fc.property(at, line, fc.string(), (index, other, text) => {
      expect(isClean(() => parse(lines.with(index, other).join('\n')), CatalogError)).toBe(true)
      expect(isClean(() => parse(text), CatalogError)).toBe(true)
      expect(isClean(() => parse(ecrText, text), CatalogError)).toBe(true)
    }),
    { numRuns: 20 },
  )
})

test('a type and a call belong to one file', () => {
  expect(() => createCatalog([ecr, ecr])).toThrow('two catalog files describe aws_ecr_repository')
  expect(() => createCatalog([ecr, { ...ecr, types: [] }])).toThrow('two catalog files describe ecr.amazonaws.com')
})

test('an event belongs to its service', () => {
  expect(catalog.entry('ecr.amazonaws.com', 'TagResource')?.kind).toBe('configuration')
  expect(catalog.entry('ecr.amazonaws.com', 'PutImage')?.kind).toBe('content')
  expect(catalog.entry('sts.amazonaws.com', 'TagResource')).toBeUndefined()
  expect(catalog.entry('ecr.amazonaws.com', 'toString')).toBeUndefined()
})

test('the date of an API is no part of a call', () => {
  expect(catalog.entry('ecr.amazonaws.com', 'TagResource2020_05_31')).toBe(
    catalog.entry('ecr.amazonaws.com', 'TagResource'),
  )
  expect(catalog.entry('ecr.amazonaws.com', 'TagResource2020')).toBeUndefined()
})

test('the same calls may stand under another source too', () => {
  const both = createCatalog([parse(ecrText.replace(/^source: .*$/m, '$&\nalso: api.ecr.amazonaws.com'))])
  for (const source of ['ecr.amazonaws.com', 'api.ecr.amazonaws.com'])
    expect(both.entry(source, 'TagResource')?.kind).toBe('configuration')
  expect(catalog.entry('api.ecr.amazonaws.com', 'TagResource')).toBeUndefined()
})

test("an attribute's kind is the provider's, unless the file knows better", () => {
  const kinds = Array.from(catalog.types.get('aws_ecr_repository')?.attributes ?? [], ([path, { kind }]) => [
    path,
    kind,
  ])
  expect(Object.fromEntries(kinds)).toMatchObject({
    name: 'string',
    force_delete: 'bool',
    tags: 'tags',
    tags_all: 'map',
    image_scanning_configuration: 'list',
    'image_scanning_configuration.scan_on_push': 'bool',
  })
  expect(catalog.types.get('aws_ecr_repository_policy')?.attributes.get('policy')?.kind).toBe('policy')
})
