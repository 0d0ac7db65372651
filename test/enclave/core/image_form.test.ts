import * as fc from 'fast-check'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CatalogError, parseService } from '../../../enclave/core/catalog_file.ts'
import { imageForm } from '../../../enclave/core/image_form.ts'
import { isObject, type Json } from '../../../enclave/core/json.ts'
import { parsePolicies, type PolicyRule } from '../../../enclave/core/native/rules.ts'
import { isClean } from './thrown.ts'
import { ecrSchema, ecrText } from './world.ts'

const RULES = join(import.meta.dirname, '../../../rules')
const refuse = (message: string): never => {
  throw new TypeError(message)
}
const formOf = (text: string): string => imageForm(text, refuse)

/** A value without the members `examples` that a file may have: of itself, of its calls, and of its rules. */
function bare(value: Json): Json {
  if (!isObject(value)) return value
  const { examples: _, ...rest } = value
  const inner = (member: Json): Json =>
    Array.isArray(member)
      ? member.map(bare)
      : isObject(member)
        ? Object.fromEntries(Object.entries(member).map(([name, one]) => [name, bare(one)]))
        : member
  const parts = ['events', 'tagging', 'rules'].flatMap((name) =>
    rest[name] === undefined ? [] : [[name, inner(rest[name])]],
  )
  return { ...rest, ...Object.fromEntries(parts) }
}

describe('says what the YAML says, without its examples', () => {
  test.each(globSync('{catalog,policies}/**/*.yaml', { cwd: RULES }).sort())('%s', (file) => {
    const text = readFileSync(join(RULES, file), 'utf8')
    expect(JSON.parse(formOf(text))).toStrictEqual(bare(parse(text) as Json))
  })
})

describe('is read as the YAML is', () => {
  test('a catalog file', () => {
    const [yaml, json] = [
      parseService(ecrText, 'ecr.yaml', ecrSchema),
      parseService(formOf(ecrText), 'ecr.json', ecrSchema),
    ]
    expect(json.calls).toEqual(yaml.calls)
    expect([...json.events.keys()]).toEqual([...yaml.events.keys()])
  })

  test('a file of policies', () => {
    const text = readFileSync(join(RULES, 'policies/keys.yaml'), 'utf8')
    const [yaml, json] = [['keys.yaml', text] as const, ['keys.json', formOf(text)] as const].map(([name, file]) =>
      parsePolicies([{ name, text: file }]),
    )
    expect(json?.mistakes).toEqual([])
    const told = (rules: readonly PolicyRule[] = []) => rules.map(({ id, source }) => [id, source.conditions])
    expect(told(json?.rules)).toEqual(told(yaml?.rules))
  })
})

test('a file that is no YAML has none', () => {
  expect(() => formOf('a: [')).toThrow(TypeError)
  expect(() => formOf('a: 1\n---\nb: 2\n')).toThrow(/multiple documents/)
})

describe('a mistake in it is one of the file', () => {
  test.each(['', '{"rules":', '[]', '{"rules":[{"id":1}]}'])('%s', (text) => {
    expect(parsePolicies([{ name: 'x.json', text }]).mistakes).not.toEqual([])
    expect(() => parseService(text, 'x.json', ecrSchema)).toThrow(/^x\.json/)
  })

  test('and throws nothing but its own error', () => {
    const one = formOf(ecrText)
    fc.assert(
      fc.property(fc.nat({ max: one.length }), fc.oneof(fc.string(), fc.json()), (at, text) => {
        for (const wrong of [text, one.slice(0, at) + text + one.slice(at)]) {
          expect(isClean(() => parseService(wrong, 'x.json', ecrSchema), CatalogError)).toBe(true)
          expect(() => parsePolicies([{ name: 'x.json', text: wrong }])).not.toThrow()
        }
      }),
      { numRuns: 50 },
    )
  })
})
