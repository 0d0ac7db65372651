import { Command } from 'commander'
import { AttestationError } from '../../enclave/attestation/error.ts'
import { AwsError } from '../aws.ts'
import { EndpointError } from '../endpoint.ts'
import { buildCommands } from './commands_build.ts'
import { releaseCommands } from './commands_release.ts'
import { reportCommands } from './commands_report.ts'
import { GateError } from './error.ts'

const EXPECTED = [GateError, AwsError, AttestationError, EndpointError]

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const program = new Command('gate').description('What the stages of the pipeline run, and a reviewer can run too')
for (const command of [...buildCommands(say), ...reportCommands(say), ...releaseCommands(say)])
  program.addCommand(command)

try {
  await program.parseAsync()
} catch (error) {
  if (!EXPECTED.some((kind) => error instanceof kind)) throw error
  process.stderr.write(`gate: ${(error as Error).message}\n`)
  process.exitCode = 1
}
