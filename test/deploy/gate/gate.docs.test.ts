import { describe, expect, it, test } from 'vitest'
import { buildCommands } from '../../../deploy/gate/commands_build.ts'
import { releaseCommands } from '../../../deploy/gate/commands_release.ts'
import { reportCommands } from '../../../deploy/gate/commands_report.ts'
import type { GateErrorCode } from '../../../deploy/gate/error.ts'
import { attestCommand } from '../../../operator/attest.ts'
import { dekCommand } from '../../../operator/dek_command.ts'
import { gateCommand } from '../../../operator/gate.ts'
import { textOf } from '../manifests.ts'

const page = textOf('docs/gate.md')
const commands = Array.from(page.matchAll(/```sh\n([^]*?)```/g), ([, block = '']) =>
  block.replaceAll('\\\n', ' ').split('\n'),
)
  .flat()
  .filter((line) => line.trim() !== '')

const silent = { out: () => {}, err: () => {}, colour: false, live: false }
const exit = () => {}
const say = () => {}
const PROGRAMS = new Map([
  ['npm exec -- node deploy/gate/main.ts ', [...buildCommands(say), ...reportCommands(say), ...releaseCommands(say)]],
  ['npm run --silent driftseal -- gate ', gateCommand(silent, exit).commands],
  ['npm run --silent driftseal -- dek ', dekCommand(silent).commands],
  ['npm run --silent driftseal -- attest ', attestCommand(silent, exit).commands],
])
const ours = commands.flatMap((line) =>
  Array.from(PROGRAMS).flatMap(([program, known]) =>
    line.startsWith(program) ? [{ line, words: line.slice(program.length).split(/\s+/), known }] : [],
  ),
)

/** What they do is tested where they are: gate.test.ts, dek.test.ts, attest_endpoint.test.ts, summarise.test.ts. */
describe('the commands of docs/gate.md', () => {
  test('are all there', () => {
    expect(ours.map(({ words: [name] }) => name)).toEqual([
      'show',
      'measure',
      'compare',
      'verify',
      'approve',
      'reject',
      'endpoint',
      'provision',
      'provision',
      'status',
      'rotate',
    ])
    const foreign = commands.filter((line) => !ours.some((one) => one.line === line))
    for (const line of foreign) expect(line.trim()).toMatch(/^(?:aws|\||docker|nitro-cli|kubectl|--)/)
  })

  test.each(ours)('$line', ({ words: [name, ...rest], known }) => {
    const command = known.find((one) => one.name() === name)
    const given = rest.filter((word) => word.startsWith('--'))
    const options = command?.options ?? []
    expect(options.map(({ long }) => long)).toEqual(expect.arrayContaining(given))
    expect(given).toEqual(expect.arrayContaining(options.filter(({ mandatory }) => mandatory).map(({ long }) => long)))
  })

  it('builds the image with the words that the pipeline uses', () => {
    const builds = (text: string) =>
      Array.from(text.matchAll(/docker buildx build -f Dockerfile\.enclave --build-arg[^]*? \.\n/g), ([line]) =>
        line.replaceAll(/\\\n\s+/g, '').replaceAll(/"SOURCE_DATE_EPOCH=\$SOURCE_DATE_EPOCH"/g, 'SOURCE_DATE_EPOCH=0'),
      )
    expect(builds(page)).toHaveLength(1)
    expect(builds(page)).toEqual(builds(textOf('deploy/buildspec.yml')))
  })
})

const CODES = {
  ERR_GATE_INPUT: 1,
  ERR_GATE_MEASUREMENT: 1,
  ERR_GATE_MISMATCH: 1,
  ERR_GATE_SIGNATURE: 1,
  ERR_GATE_BUILDER: 1,
  ERR_GATE_SOURCE: 1,
  ERR_GATE_PARAMETERS: 1,
  ERR_GATE_SUBJECT: 1,
  ERR_GATE_LIST: 1,
  ERR_GATE_IN_USE: 1,
  ERR_GATE_COMMAND: 1,
  ERR_GATE_PULL_REQUEST: 1,
  ERR_GATE_ROLLOUT: 1,
} satisfies Record<GateErrorCode, 1>

test.each(Object.keys(CODES))('%s is on the page', (code) => {
  expect(page).toContain(`| \`${code}\``)
})

test('the stages on the page are those of the pipeline', () => {
  const stages = Array.from(
    textOf('infra/pipeline.tf').matchAll(/^ {2}stage \{\n {4}name = (.*)$/gm),
    ([, name = '']) => (name === 'local.approve_stage' ? 'Approve' : name.replaceAll('"', '')),
  )
  const told = Array.from(
    page.matchAll(/^\| (\w+)\s+\| (?:takes|tests|compares|\*\*waits|proposes|waits)/gm),
    ([, name]) => name,
  )
  expect(told).toEqual(stages)
})
