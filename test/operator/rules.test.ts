import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { record, repository, stateText } from '../enclave/core/world.ts'
import { policySchema } from '../../operator/policy_schema.ts'
import { readRuleFiles } from '../../enclave/adapters/rules.ts'
import { parseRuleFiles } from '../../enclave/core/rule_files.ts'
import { InputError } from '../../operator/inputs.ts'
import { rulesCommand } from '../../operator/rules.ts'
import { examplesIn } from '../../operator/rules_test.ts'
import { driftseal } from './driftseal.ts'
import { folderOf } from './folder.ts'

const shipped = fileURLToPath(new URL('../../rules', import.meta.url))

/** Runs `driftseal rules …` in this process. */
async function run(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  let status = 0
  const terminal = {
    out: (line: string) => void out.push(`${line}\n`),
    err: (text: string) => void err.push(text),
    colour: false,
    live: false,
  }
  await rulesCommand(shipped, terminal, (code) => void (status = code)).parseAsync(args, { from: 'user' })
  return { status, stdout: out.join(''), stderr: err.join('') }
}

const GOOD = `rules:
  - id: a
    name: A
    severity: high
    resource_types: [aws_ecr_repository]
    conditions: [{ attribute: image_tag_mutability, operator: changed, to: MUTABLE }]
    examples:
      - { fires: true, changes: { image_tag_mutability: [IMMUTABLE, MUTABLE] } }
`
const BAD_NATIVE =
  'rules:\n  - { id: a, name: A, severity: high, resource_types: [x], foo: 1 }\n  - { id: b, name: B, severity: high }\n'
const BAD_FALCO = '- rule: r\n  desc: d\n  condition: evt.name =\n  output: o\n  priority: INFO\n'

test('the shipped rules have no mistake, and every example does as it says', async () => {
  expect(driftseal('rules', 'check')).toMatchObject({ status: 0, stderr: '' })
  const { status, stdout } = await run('test')
  expect(stdout).toMatch(/ 0 failed\n$/)
  expect(status).toBe(0)
})

test('the published schema is what the loader accepts', () => {
  const published = readFileSync(new URL('../../rules/schema/policy.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(published)).toEqual(policySchema())
})

test('each shipped rule says what people need, and has an event that fires it and one that does not', async () => {
  const files = await readRuleFiles(shipped)
  const { rules, policies } = parseRuleFiles(files)
  const examples = examplesIn(files)
  const bare = rules.filter((rule) => {
    const fires = new Set(examples.filter((one) => one.rule.name === rule.name).map(({ example }) => example.fires))
    return rule.description === '' || fires.size < 2
  })
  const silent = policies.filter(({ source }) => source.references === undefined || source.remediation === undefined)
  expect([...bare, ...silent].map(({ name }) => name)).toEqual([])
})

test("the page's rules load, and do as their examples say", async () => {
  const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
  const blocks = Array.from(
    page.matchAll(/```yaml\n((?:#[^\n]*\n)?(?:rules:|- rule:)[^]*?)```/g),
    ([, text]) => text ?? '',
  )
  expect(blocks).toHaveLength(3)
  const folder = folderOf(Object.fromEntries(blocks.map((text, at) => [`${at}.yaml`, text])))
  expect(await run('check', folder)).toMatchObject({ status: 0, stderr: '' })
  expect(await run('test', folder)).toMatchObject({ status: 0, stdout: '4 examples of 3 rules, 0 failed\n' })
})

describe('rules check', () => {
  test('finds every mistake in files of either language', async () => {
    const folder = folderOf({ 'a.yaml': BAD_NATIVE, 'b.yaml': BAD_FALCO })
    const { status, stdout } = await run('check', folder)
    expect(status).toBe(1)
    expect(stdout).toContain("a.yaml:2:60: unknown key 'foo'")
    expect(stdout).toContain('a.yaml:3:11: a rule needs resource_types, events or conditions')
    expect(stdout).toMatch(/b\.yaml:3:\d+: /)
    expect(stdout).toMatch(/0 rules in 2 files, 3 mistakes\n$/)
  })

  test('--json tells them to programs', async () => {
    const folder = folderOf({ 'a.yaml': BAD_NATIVE })
    const { status, stdout } = await run('check', folder, '--json')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ rules: 0, mistakes: [{ line: 2, column: 60 }, { line: 3 }] })
  })

  test('finds a mistake in the examples of a Falco rule', async () => {
    const examples = '  examples: [{ fires: yes_please }]\n'
    const folder = folderOf({ 'b.yaml': BAD_FALCO.replace('= and', '= x') + examples })
    expect((await run('check', folder)).stdout).toContain("b.yaml:6:23: 'fires' must be boolean")
  })

  test('a file that is not there is an error', async () => {
    await expect(run('check', '/nowhere.yaml')).rejects.toThrow(InputError)
  })
})

test.each([
  [['evt.name = a'], 0],
  [['evt.name = a', '--source', 'aws_cloudtrail'], 0],
  [['evt.name ='], 1],
  [['no.such = a'], 1],
  [['no.such = a and no_macro', '--syntax-only'], 0],
  [['no_macro'], 1],
])('rules parse %j exits with %i', async (args, status) => {
  expect((await run('parse', ...args)).status).toBe(status)
})

test('rules parse knows its sources', async () => {
  expect((await run('parse', 'evt.type = open and proc.name = a')).status).toBe(0) // of Falco's own, as in a rule
  expect((await run('parse', 'evt.type = open', '--source', 'aws_cloudtrail')).status).toBe(1)
  await expect(run('parse', 'evt.name = a', '--source', 'nowhere')).rejects.toThrow(InputError)
})

test('rules parse points at what is wrong', async () => {
  expect((await run('parse', 'evt.name = a and')).stdout).toMatch(/^1:17: .*\n {2}evt\.name = a and\n {18}\^\n$/)
  expect(JSON.parse((await run('parse', 'x.y = 1', '--json')).stdout)).toMatchObject({
    accepted: false,
    line: 1,
    column: 1,
    code: 'ERR_RULE_FIELD',
  })
})

describe('rules test', () => {
  const wrong = GOOD.replace('fires: true', 'name: "<a>", fires: false')

  test('shows what was expected, what happened, and why', async () => {
    const { status, stdout } = await run('test', folderOf({ 'a.yaml': wrong }))
    expect(status).toBe(1)
    expect(stdout).toContain('a: <a>\n  - expected: silent\n  + actual:   fires\n')
    expect(stdout).toContain(
      '✓ image_tag_mutability changed to "MUTABLE"   [image_tag_mutability: "IMMUTABLE" -> "MUTABLE"]',
    )
  })

  test('--junit writes them for a build', async () => {
    const folder = folderOf({ 'a.yaml': wrong })
    const file = join(folder, 'junit.xml')
    await run('test', folder, '--junit', file)
    expect(readFileSync(file, 'utf8')).toContain(
      '<testcase classname="a" name="&lt;a&gt;"><failure message="expected silent, was fires">',
    )
  })

  test('a threshold is reached by repetition, and a whole record goes through the detector', async () => {
    const repeated = `    threshold: { count: 3, window: 1m }
    examples:
      - { fires: false, times: 2, changes: { image_tag_mutability: [IMMUTABLE, MUTABLE] } }
      - { fires: true, times: 3, changes: { image_tag_mutability: [IMMUTABLE, MUTABLE] } }
      - { fires: false, times: 4, changes: { image_tag_mutability: [IMMUTABLE, MUTABLE] } }
`
    const event = record('PutImageTagMutability', { repositoryName: 'my-app-repo', imageTagMutability: 'MUTABLE' })
    const example = (over: object) => `      - ${JSON.stringify({ record: event, state: repository, ...over })}\n`
    const whole =
      GOOD.replace('id: a', 'id: b') +
      example({ fires: true }) +
      example({ fires: false, record: { ...event, errorCode: 'AccessDenied' } })
    const folder = folderOf({ 'a.yaml': GOOD.replace(/ {4}examples:[^]*/, repeated), 'b.yaml': whole })
    expect(await run('test', folder)).toMatchObject({ status: 0, stdout: '6 examples of 2 rules, 0 failed\n' })
  })
})

test('rules explain says why each rule matches or not, condition by condition', async () => {
  const event = record('PutImageTagMutability', { repositoryName: 'my-app-repo', imageTagMutability: 'MUTABLE' })
  const folder = folderOf({ 'a.json': JSON.stringify(event), 'a.tfstate': stateText(repository), 'a.yaml': GOOD })
  const paths = ['--event', join(folder, 'a.json'), '--state', join(folder, 'a.tfstate')]
  const { status, stdout } = await run('explain', join(folder, 'a.yaml'), ...paths)
  expect(status).toBe(0)
  expect(stdout).toContain('drift: PutImageTagMutability on aws_ecr_repository.app')
  expect(stdout).toContain('a: matches\n  ✓ all\n    ✓ type in aws_ecr_repository\n')
  const json = JSON.parse((await run('explain', ...paths, '--json', '--rule', 'aws-001')).stdout) as unknown
  expect(json).toMatchObject({ outcome: 'drift', rules: [{ rule: 'aws-001', matched: false }] })
  await expect(run('explain', ...paths, '--rule', 'nobody')).rejects.toThrow(InputError)
})

test.each([
  [
    ['--severity', 'critical'],
    ['aws-001', 'gcp-001'],
  ],
  [['--type', 'aws_iam_policy'], ['aws-002']],
  [['--format', 'falco', '--tag', 'access'], ['ecr_repository_policy_modified']],
])('rules list %j', async (filter, names) => {
  const { stdout } = await run('list', 'rules/policies/reference.yaml', 'rules/falco/ecr.yaml', '--json', ...filter)
  const listed = stdout
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { id?: string; name: string }]))
  expect(listed.map(({ id, name }) => id ?? name)).toEqual(names)
})
