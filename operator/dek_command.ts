import { Command } from 'commander'
import { provision, rotate, type SecretsClient, type SecretStatus, statusOf } from './dek.ts'
import { table } from './document_text.ts'
import type { Terminal } from './replay_command.ts'

interface Options {
  readonly secret: string
  readonly function?: string
  readonly json?: true
}

const CREDENTIALS = '\nRegion and credentials are those of the AWS command line. Exit code: 0 done, 1 error.'
const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000]

const connectAws = async (): Promise<SecretsClient> => {
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  return new SecretsManagerClient()
}

/** `driftseal dek`: the wrapped data key, which no command here can read. */
export function dekCommand(terminal: Terminal, connect = connectAws): Command {
  const start = (name: string, description: string, act: typeof rotate) =>
    withSecret(new Command(name).description(description))
      .option('--function <arn>', 'the rotation function, of a secret without a schedule (rotation_function_arn)')
      .action(async (options: Options) => {
        const version = await act(options.secret, options.function, await connect())
        if (options.json) terminal.out(JSON.stringify({ secret: options.secret, version }))
        else
          terminal.out(
            `KMS is making version ${version}; within a minute "driftseal dek status" shows it as AWSCURRENT`,
          )
      })
  return new Command('dek')
    .description('Provision, rotate and look at the wrapped data key; its bytes are for attested enclaves alone')
    .addCommand(start('provision', 'Have the first key made', provision))
    .addCommand(start('rotate', 'Have the next key made', rotate))
    .addCommand(
      withSecret(new Command('status').description('Show versions, stages and ages')).action(
        async (options: Options) => {
          const status = await statusOf(options.secret, await connect())
          const lines = options.json ? [JSON.stringify(status)] : person(status, Date.now())
          for (const line of lines) terminal.out(line)
        },
      ),
    )
}

const withSecret = (command: Command): Command =>
  command
    .requiredOption('--secret <name>', 'such as driftseal-production/dek (secret_names)')
    .option('--json', 'one JSON object')
    .addHelpText('after', CREDENTIALS)

function person({ name, rotates, versions }: SecretStatus, now: number): readonly string[] {
  if (versions.length === 0) return [`${name}  empty`, '  "driftseal dek provision" has the first key made']
  const rows = versions.map(({ id, stages, made }) => {
    const labels = stages.length === 0 ? 'no stage' : stages.join(', ')
    return [labels, `${id}  ${made === null ? 'age unknown' : `${ageOf(now - made.getTime())} old`}`] as const
  })
  return [`${name}  ${rotates ? 'rotates by its schedule' : 'has no schedule'}`, ...table(rows)]
}

function ageOf(ms: number): string {
  const [unit, length] = ms >= 2 * DAY_MS ? (['days', DAY_MS] as const) : (['hours', HOUR_MS] as const)
  return `${Math.max(0, Math.floor(ms / length))} ${unit}`
}
