import type { Command } from 'commander'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { attestCommand } from '../../operator/attest.ts'
import { coverageCommand } from '../../operator/coverage_command.ts'
import { dekCommand } from '../../operator/dek_command.ts'
import { eifCommand } from '../../operator/eif.ts'
import { gateCommand } from '../../operator/gate.ts'
import { replayCommand } from '../../operator/replay_command.ts'
import { rulesCommand } from '../../operator/rules.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
/** docs/gate.md has a test of its own beside the gate. */
const PAGES = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md') && name !== 'docs/gate.md',
)

const silent = { out: () => {}, err: () => {}, colour: false, live: false }
const exit = () => {}
const PROGRAM: readonly Command[] = [
  replayCommand('', silent, exit),
  rulesCommand('', silent, exit),
  coverageCommand('', '', silent),
  attestCommand(silent, exit),
  eifCommand(silent, exit),
  gateCommand(silent, exit),
  dekCommand(silent),
]

/** The lines of a page's shell blocks that call something of this project. */
const commandsOf = (page: string): readonly string[] =>
  Array.from(page.matchAll(/```(?:sh)?\n([^]*?)```/g), ([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .flat()
    .flatMap((line) => line.split(/&&|\|/))
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => /^(?:npm (?:start|test|run|exec)|node |kubectl apply -k|\.ci\/run)/.test(line))

const commands = PAGES.flatMap((page) => commandsOf(read(page)).map((command) => [page, command] as const))

test('the pages have commands', () => {
  expect(commands.length).toBeGreaterThanOrEqual(25)
})

/** What they do is tested where they are; here, that the pages write them as they are. */
describe.each(commands)('%s: %s', (_page, command) => {
  test('is one', () => {
    expect(mistakesIn(command)).toEqual([])
  })
})

function mistakesIn(command: string): readonly string[] {
  const words = command.split(/\s+/).filter((word) => word !== '--silent')
  const [program, verb, name] = words
  if (program === 'npm' && verb === 'run' && name === 'driftseal')
    return misused(words.slice(words[3] === '--' ? 4 : 3))
  if (program === 'npm' && verb !== 'exec') {
    const script = (verb === 'run' ? name : verb) ?? ''
    return Object.hasOwn(scripts, script) ? [] : [`there is no script ${script}`]
  }
  const path = words.find((word) => /^[\w.-]+\//.test(word)) ?? ''
  return existsSync(join(root, path)) ? [] : [`there is no ${path}`]
}

/** What is wrong with the use of a command of ours: its name, an option, one that has to be there. */
function misused([first, ...words]: readonly string[]): readonly string[] {
  let command = PROGRAM.find((one) => one.name() === first)
  for (const word of words) command = command?.commands.find((one) => one.name() === word) ?? command
  if (command === undefined) return [`there is no command ${first}`]
  const given = new Set(words.filter((word) => word.startsWith('--')))
  const known = new Set(command.options.map(({ long }) => long))
  const needed = command.options.flatMap(({ mandatory, long }) => (mandatory && long !== undefined ? [long] : []))
  return [...[...given].filter((option) => !known.has(option)), ...needed.filter((option) => !given.has(option))]
}
