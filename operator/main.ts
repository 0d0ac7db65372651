import { Command } from 'commander'
import { fileURLToPath } from 'node:url'
import { CatalogError } from '../enclave/core/catalog_file.ts'
import { RuleError } from '../enclave/core/falco/source.ts'
import { StateError } from '../enclave/core/state.ts'
import { AwsError } from '../deploy/aws.ts'
import { GateError } from '../deploy/gate/error.ts'
import { attestCommand } from './attest.ts'
import { coverageCommand } from './coverage_command.ts'
import { dekCommand } from './dek_command.ts'
import { eifCommand } from './eif.ts'
import { gateCommand } from './gate.ts'
import { InputError } from './inputs.ts'
import { replayCommand, type Terminal } from './replay_command.ts'
import { rulesCommand } from './rules.ts'

const rules = fileURLToPath(new URL('../rules', import.meta.url))
const coverage = fileURLToPath(new URL('../docs/coverage', import.meta.url))
const terminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (text) => void process.stderr.write(text),
  colour: process.stdout.hasColors?.() ?? false,
  live: process.stderr.isTTY ?? false,
}

/** What a person can put right gets one line; anything else is a fault of ours and keeps its stack. */
const EXPECTED = [InputError, StateError, CatalogError, RuleError, GateError, AwsError]

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit() // `| head` has seen enough
  throw error
})

const exit = (code: number) => void (process.exitCode = code)

const program = new Command('driftseal')
  .description('Terraform drift detection that a compromised host cannot read, silence or forge')
  .addCommand(replayCommand(rules, terminal, exit))
  .addCommand(rulesCommand(rules, terminal, exit))
  .addCommand(coverageCommand(rules, coverage, terminal))
  .addCommand(attestCommand(terminal, exit))
  .addCommand(eifCommand(terminal, exit))
  .addCommand(gateCommand(terminal, exit))
  .addCommand(dekCommand(terminal))

try {
  await program.parseAsync()
} catch (error) {
  if (!EXPECTED.some((kind) => error instanceof kind)) throw error
  terminal.err(`driftseal: ${(error as Error).message}\n`)
  process.exitCode = 1
}
