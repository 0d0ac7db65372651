import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** What nitro-cli 1.5 says on its two outputs, with its exit code. */
export interface Saying {
  readonly out?: string
  readonly err?: string
  readonly exit?: number
}

export const ID = 'i-0123456789abcdef0-enc0123456789abcdef'
const enclave = {
  EnclaveName: 'driftseal',
  EnclaveID: ID,
  ProcessID: 7,
  EnclaveCID: 16,
  NumberOfCPUs: 2,
  CPUIDs: [1, 3],
}
const pretty = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`

/** A program in its place, which keeps one enclave in a file; `sayings` replaces what a command says. */
export async function fakeNitroCli(sayings: Readonly<Record<string, Saying>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'driftseal-nitro-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [program, calls, running] = ['nitro-cli', 'calls', 'running'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const usual: Record<string, Saying> = {
    'run-enclave': {
      err: 'Start allocating memory...\nStarted enclave with enclave-cid: 16, memory: 2048 MiB, cpu-ids: [1, 3]\n',
      out: pretty({ ...enclave, MemoryMiB: 2048 }),
    },
    'describe-enclaves': { out: pretty([{ ...enclave, MemoryMiB: 2048, State: 'RUNNING', Flags: 'NONE' }]) },
    'terminate-enclave': {
      err: `Successfully terminated enclave ${ID}.\n`,
      out: pretty({ EnclaveName: 'driftseal', EnclaveID: ID, Terminated: true }),
    },
    console: { out: 'Linux version 6.6\n' },
    ...sayings,
  }
  const source = `#!${process.execPath}
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
const [command, ...rest] = process.argv.slice(2)
appendFileSync(${JSON.stringify(calls)}, [command, ...rest].join(' ') + '\\n')
const saying = ${JSON.stringify(usual)}[command]
if (command === 'run-enclave' && !saying.exit) writeFileSync(${JSON.stringify(running)}, '')
const ended = command === 'describe-enclaves' && !existsSync(${JSON.stringify(running)})
if (command === 'terminate-enclave') rmSync(${JSON.stringify(running)}, { force: true })
process.stderr.write(saying.err ?? '')
process.stdout.write(ended ? '[]\\n' : (saying.out ?? ''))
process.exitCode = saying.exit ?? 0
`
  await writeFile(`${program}.mjs`, source)
  await chmod(`${program}.mjs`, 0o755)
  return { program: `${program}.mjs`, calls, running }
}
