import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BLOCKS, ROOT, UNLABELLED } from './pages.ts'
import { run } from './reader.ts'

// Every command of the pages is of one of four kinds; what is of none fails.

/** Nothing here can run these. */
const ELSEWHERE: readonly (readonly [command: RegExp, why: string])[] = [
  [/^aws /, 'needs an AWS account'],
  [/^(?:cd infra|terraform (?:init|plan)|cd infra && terraform apply .*)$/, 'needs an AWS account'],
  [/^kubectl (?:-n \S+ )?(?:apply|get|port-forward) /, 'needs a cluster'],
  [/^(?:from=\S+|docker .*|sha256sum out\/rootfs\.tar)$/, 'needs Docker, and a registry'],
  [/^nitro-cli /, 'needs nitro-cli'],
  [/^node local\/catalog\/\w+\.ts <.*> /, 'reads what AWS and HashiCorp publish, some hundred megabytes'],
]
/** Suites: CI runs them, and so do people. */
const SUITES = /^(?:npm (?:start|test)|npm run (?:check|bench|fuzz|test:\w+)|npx vitest run .*|\.ci\/run)$/
/** What takes long, writes into this clone or asks for Terraform: another test runs it, which has these words. */
const HELD: readonly (readonly [command: RegExp, file: string, ...words: string[]])[] = [
  [/^node deploy\/images\/rootfs\.ts enclave out config=\S+$/, 'test/deploy/images.test.ts', 'deploy/images/rootfs.ts'],
  [/^npm run driftseal -- rules test$/, 'test/operator/rules.test.ts', "run('test')"],
  [/^npm run driftseal -- coverage --write$/, 'test/operator/coverage.test.ts', 'coverage --write'],
  [/^terraform fmt -check -recursive$/, 'test/infra/module.test.ts', "'fmt', '-check', '-recursive'"],
  [
    /^terraform init -backend=false && terraform validate$/,
    'test/infra/module.test.ts',
    "'-backend=false'",
    "'validate'",
  ],
  [/^terraform test$/, 'test/infra/module.test.ts', "'test'"],
]

const MADE = /^KMS is making version [0-9a-f-]{36}; within a minute "driftseal dek status" shows it as AWSCURRENT$/m
/** What is run here as the pages write it: the status that they say it ends with, and what they say that it prints. */
const RUN: readonly (readonly [command: RegExp, status: number, prints: RegExp])[] = [
  [/ replay .*gz$/, 2, /^DRIFT .* aws_ecr_repository\.app .*\n {2}image_tag_mutability: "IMMUTABLE" -> "MUTABLE"$/m],
  [/ replay .* --json$/, 2, /^\{"version":1,"outcome":"drift",.*\}$/m],
  [/ eif measure driftseal\.eif$/, 0, /\n {2}PCR0 .*\n {2}PCR1 .*\n {2}PCR2 .*\n {2}PCR8 /],
  [/ attest verify /, 0, /^VALID [^]*\n {2}checked +chain, signature, PCR0\b.*\n(?: {2}not checked .*\n)?$/],
  [
    / attest endpoint .* --config \S+/,
    0,
    /^VALID [^]*, the one that answers here\n {2}config .*, yours\n {2}CA +SHA-256 /,
  ],
  // One that is wrong, and one that the page itself shows.
  [/ rules check my-rules\.yaml$/, 1, /^my-rules\.yaml:2:\d+: /m],
  [/ rules check rules\/policies\/mine\.yaml$/, 0, /, 0 mistakes\n$/],
  [/ rules test rules\/policies\/mine\.yaml$/, 0, /^2 examples of 1 rule, 0 failed\n$/],
  [/ rules explain --event event\.json --state terraform\.tfstate$/, 0, /^ecr_\w+: matches$[^]*: does not match$/m],
  [/ rules parse '.*' --source aws_cloudtrail$/, 0, /^accepted\n$/],
  [/^node deploy\/rotation\/package\.ts rotation\.zip$/, 0, /^$/],
  [/ dek (?:provision|rotate) /, 0, MADE],
  [/ dek status /, 0, /^driftseal-production\/dek .*\n {2}AWSCURRENT\b.* 0 hours old\n/],
  [/ gate show /, 0, /^VALID {2}signature, builder, source, parameters and subject[^]*\n- PCR0 `[0-9a-f]{96}`/],
  [/ gate approve /, 0, /^APPROVED {2}PCR0=[0-9a-f]{96} commit=[0-9a-f]{40} rebuilt-by=security-reviewer\n$/],
  [/ gate reject /, 0, /^REJECTED {2}commit=[0-9a-f]{40} a rule was softened\n$/],
  [/ deploy\/gate\/main\.ts measure /, 0, /^PCR0 [0-9a-f]{96}\n$/],
  [
    / deploy\/gate\/main\.ts compare /,
    1,
    /^gate: two builds of one commit differ:\n {2}PCR2 .*\n {2}\/lib\/libc\.so\.6: /,
  ],
  [/ deploy\/gate\/main\.ts verify /, 0, /^verified: PCR0 [0-9a-f]{96}\n$/],
  // The lines before `attest verify`, which ask the enclave for what is verified.
  [/^(?:at|nonce|key|config|ca)=|^curl /, 0, /^$/],
]

const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const expectedOf = (command: string) => RUN.find(([pattern]) => pattern.test(command))
const kindsOf = (command: string): readonly string[] => [
  ...ELSEWHERE.flatMap(([pattern, why]) => (pattern.test(command) ? [why] : [])),
  ...HELD.flatMap(([pattern, file]) => (pattern.test(command) ? [file] : [])),
  ...RUN.flatMap(([pattern]) => (pattern.test(command) ? ['run here'] : [])),
  ...(SUITES.test(command) ? ['a suite'] : []),
]

const commands = BLOCKS.flatMap(({ page, commands: lines }) => lines.map((command) => [page, command] as const))
/** What of each block is run, by what it says: of those that are the same, one is. */
const runnable = Map.groupBy(
  BLOCKS.map(({ page, commands: all }) => ({ page, lines: all.filter((line) => expectedOf(line) !== undefined) })),
  ({ lines }) => lines.join(' ⏎ '),
)
runnable.delete('')

test('a block of commands says that it is one', () => {
  expect(UNLABELLED).toEqual([])
})

test.each(commands)('%s: it is known what becomes of: %s', (_page, command) => {
  expect(kindsOf(command)).toHaveLength(1)
})

test('no rule is about a command that no page has', () => {
  const rules = [...ELSEWHERE, ...HELD, ...RUN].map(([pattern]) => pattern)
  const unused = rules.filter((pattern) => !commands.some(([, command]) => pattern.test(command)))
  expect(unused).toEqual([])
})

test.each(HELD.map(([command, file, ...words]) => ({ command, file, words })))(
  '$command is held by $file',
  ({ file, words }) => {
    expect(words.filter((word) => !textOf(file).includes(word))).toEqual([])
  },
)

test('scripts are those of package.json, and CI runs all suites but the slow ones', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const named = commands.flatMap(
    ([, command]) => /^npm (?:run )?(?:--silent )?(?!exec)([\w:]+)/.exec(command)?.[1] ?? [],
  )
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  expect(scripts['driftseal']).toBe('node operator/main.ts')
  const suites = named.filter((name) => !['driftseal', 'bench', 'fuzz'].includes(name))
  expect(suites.filter((name) => !new RegExp(`(?:suite|step) .*\\b${name}\\b`, 'm').test(textOf('.ci/run')))).toEqual(
    [],
  )
})

test('paths are there', () => {
  const paths = commands.flatMap(([, command]) => command.match(/(?<=[ =])(?:test|deploy|local)\/[\w./-]+/g) ?? [])
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test.each([...runnable])('%s', async (_, [block]) => {
  const lines = block?.lines ?? []
  const outcomes = await run(lines)
  for (const [index, command] of lines.entries()) {
    const [, status, prints = /^$/] = expectedOf(command) ?? []
    const { stdout, stderr, ...ended } = outcomes[index] ?? { stdout: '', stderr: '', status: undefined }
    expect({ page: block?.page, command, printed: stdout + stderr, ...ended }).toMatchObject({
      printed: expect.stringMatching(prints) as string,
      status,
    })
  }
})
