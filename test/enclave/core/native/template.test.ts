import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLink, parseTemplate } from '../../../../enclave/core/native/template.ts'
import { changed, subject } from './subject.ts'

const TYPES = ['aws_ecr_repository']

function notes(parse: typeof parseTemplate, text: string): readonly string[] {
  const found: string[] = []
  parse(text, TYPES, (problem) => void found.push(problem))
  return found
}

const fill = (text: string, seen = subject({}), parse = parseTemplate): string =>
  parse(text, TYPES, (problem) => expect.fail(problem))(seen)

const named = (id: string) => subject({ resource: { type: 'aws_ecr_repository', id, address: null, state: null } })

test.each([
  ['--name {id} in {account}/{region}', '--name my-app-repo in 111122223333/eu-west-1'],
  ['{repository_id}{ecr_repository_name}', 'my-app-repomy-app-repo'],
  ['{user} {event} {type} {service}', 'admin@example.com PutImageTagMutability aws_ecr_repository ecr'],
  ['{address}', '<address>'], // module.app.aws_ecr_repository.this["api"]: its quotes are not for a shell
  ['no placeholder', 'no placeholder'],
])('%s', (text, filled) => {
  expect(fill(text)).toBe(filled)
})

test.each([
  'a b',
  'a;rm',
  '$(id)',
  '`id`',
  "a'b",
  'a"b',
  'a&b',
  'a|b',
  'a\nb',
  '<script>',
  '-rf',
  '--profile=x',
  '../a',
  '{account}',
  '\u202Eabc',
  'é',
  '',
  'x'.repeat(3000),
])('%j is not put in', (id) => {
  expect(fill('delete {id}', named(id))).toBe('delete <id>')
})

test('what is put in has nothing in it that a shell, a page or a chat takes for its own', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12, unit: 'binary' }), (id) => {
      expect(fill('{id}', named(id))).toMatch(/^(?:<id>|\w[\w.:/@+=,[\]-]*)$/)
    }),
    { numRuns: 300 },
  )
})

test('attributes are as the state holds them once the event is over', () => {
  expect(fill('{attribute.name} {attribute.setting.mode}', changed({}, { name: 'n', setting: [{ mode: 3 }] }))).toBe(
    'n 3',
  )
  expect(fill('{attribute.name}', changed({ name: ['n', 'm'] }, { name: 'n' }))).toBe('m')
  expect(fill('{attribute.gone}', changed({}))).toBe('<attribute.gone>')
})

test.each([
  ['https://wiki.example.com/{id}', 'https://wiki.example.com/my-app-repo'],
  ['https://wiki.example.com/?q={user}', 'https://wiki.example.com/?q=admin%40example.com'],
  ['https://wiki.example.com/{address}', 'https://wiki.example.com/%3Caddress%3E'],
])('%s', (text, filled) => {
  expect(fill(text, subject({}), parseLink)).toBe(filled)
})

test.each([
  ['{foo}', 'unknown placeholder {foo}'],
  ['{instance_id}', 'unknown placeholder {instance_id}'],
  ['{constructor}', 'unknown placeholder {constructor}'],
  ['{}', 'unknown placeholder {}'],
  ['{id', "'{' without its other half"],
  ['id}', "'}' without its other half"],
  ['{{id}}', "'{' without its other half"],
])('%s is refused', (text, problem) => {
  expect(notes(parseTemplate, text)[0]).toContain(problem)
})

test.each(['http://wiki.example.com', 'https://{id}.example.com', 'https://{id}', 'javascript:alert(1)', 'wiki'])(
  'a runbook at %s is refused',
  (text) => {
    expect(notes(parseLink, text)[0]).toBe('a runbook is an https:// link whose host is written out')
  },
)
