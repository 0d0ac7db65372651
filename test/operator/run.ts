import { Command } from 'commander'
import type { Terminal } from '../../operator/replay_command.ts'

/** What a command said, and how it ended. */
export interface Outcome {
  readonly status: number | undefined
  readonly out: string
  readonly err: string
}

/** Runs a command in this process, for what it is given at its making: clients, and where it writes. */
export async function runIn(
  make: (terminal: Terminal, exit: (code: number) => void) => Command,
  ...args: readonly string[]
): Promise<Outcome> {
  const [out, err]: [string[], string[]] = [[], []]
  let status: number | undefined
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    err: (text) => void err.push(text),
    colour: false,
    live: false,
  }
  const command = make(terminal, (code) => {
    status = code
  })
  await new Command('driftseal').exitOverride().addCommand(command).parseAsync(args, { from: 'user' })
  return { status, out: out.join('\n'), err: err.join('') }
}
