import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { importBlock } from '../../../enclave/core/import_block.ts'
import type { Json } from '../../../enclave/core/json.ts'
import { catalog } from './world.ts'

const plain = catalog.types.get('aws_ecr_repository') ?? expect.fail('no type')
const composite = { ...plain, name: 'aws_ecs_service', import: '${cluster}/${name}' }
const made = (attributes: Readonly<Record<string, Json>>) =>
  Object.entries(attributes).map(([path, now]) => ({ path, old: null, now, suspected: false }))

test.each<[string, string, Readonly<Record<string, Json>>, string | undefined]>([
  ['an id', 'app', {}, 'import {\n  to = aws_ecr_repository.app\n  id = "app"\n}'],
  ['a name that HCL does not take', '1 b/ü', {}, 'import {\n  to = aws_ecr_repository._1_b_\n  id = "1 b/ü"\n}'],
  ['what would end the text', 'a"}\\', {}, 'import {\n  to = aws_ecr_repository.a_\n  id = "a\\"}\\\\"\n}'],
  ['what would be a template', '${x}%{y}', {}, 'import {\n  to = aws_ecr_repository._x_y_\n  id = "$${x}%%{y}"\n}'],
  ['what would be a new line', 'a\nb', {}, 'import {\n  to = aws_ecr_repository.a_b\n  id = "a\\u000ab"\n}'],
  ['no id', '', {}, undefined],
])('writes %s', (_, id, attributes, block) => {
  expect(importBlock(plain, id, made(attributes))).toBe(block)
})

test('writes none where the provider imports no such resource', () => {
  expect(importBlock({ ...plain, import: false }, 'app', [])).toBeUndefined()
})

test('puts an id together from attributes, or leaves it', () => {
  expect(importBlock(composite, 'x', made({ cluster: 'a', name: 'b' }))).toContain('id = "a/b"')
  expect(importBlock(composite, 'x', made({ name: 'b' }))).toBeUndefined()
})

test("nobody's name ends the text or the line", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (id) => {
      const lines = importBlock(plain, id, [])?.split('\n') ?? []
      expect(lines).toHaveLength(4)
      expect(lines[1]).toMatch(/^ {2}to = aws_ecr_repository\.[A-Za-z_][\w-]{0,63}$/)
      expect(lines[2]).toMatch(/^ {2}id = "(?:[^"\\]|\\["\\]|\\u[0-9a-f]{4})*"$/)
      expect(lines[2]).not.toMatch(/(?<![$%])(?:\$\$|%%)*[$%]\{/)
    }),
    { numRuns: 300 },
  )
})
