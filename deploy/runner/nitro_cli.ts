import { execFile, spawn } from 'node:child_process'
import * as v from 'valibot'
import type { Settings } from './settings.ts'

/** What nitro-cli is asked for. */
export interface NitroCli {
  run(settings: Settings): Promise<string>
  isRunning(id: string): Promise<boolean>
  terminate(id: string): Promise<void>
  /** Copies a debug enclave's console to our own output until the enclave ends. */
  console(id: string): void
}

type Failure = 'missing' | 'refused' | 'timeout' | 'unreadable'

export class NitroCliError extends Error {
  readonly code: Failure
  constructor(code: Failure, message: string) {
    super(message)
    this.code = code
  }
}

/** A boot waits for the enclave's heartbeat; the rest are questions to a process of this container. */
const RUN_TIMEOUT_MS = 120_000
const ASK_TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 1 << 20

/** Of the errors that an installation runs into: what is wrong with it, and not with nitro-cli. */
const REMEDIES: Readonly<Record<string, string>> = {
  E19: 'is the image file where settings say, and is /dev/nitro_enclaves in the container?',
  E22: 'the node keeps too few CPUs for enclaves: lower cpu_count, or raise it in the node group and replace the node',
  E26: 'memory_mib is under four times the size of the image file',
  E27: 'the node has fewer free huge pages than memory_mib: compare hugepages-2Mi of the pod and of the node',
  E28: 'is the instance started with enclaves enabled, and does the pod request aws.ec2.nitro/nitro_enclaves?',
  E35: 'the image file cannot be read to its end: build the runner image again',
  E36: 'the enclave gave no sign of life: is the image signed with a certificate that has expired, or too large?',
  E39: 'the process of the enclave is gone; Kubernetes starts the next',
  E42: 'huge pages are not the pod’s to use: request hugepages-2Mi as large as memory_mib',
}
/** The line with the code. It speaks of the host's resources, and nothing of the enclave. */
const ERROR_LINE = /\[ (E\d{2}) \].{0,300}/

const started = v.object({ EnclaveID: v.pipe(v.string(), v.minLength(1)), EnclaveCID: v.number() })
const described = v.array(v.object({ EnclaveID: v.string(), State: v.string() }))
const terminated = v.object({ EnclaveID: v.string(), Terminated: v.literal(true) })

/** nitro-cli 1.4 and 1.5: JSON on standard output, an `[ Exx ]` on standard error when it fails. */
export function openNitroCli(program = '/usr/bin/nitro-cli'): NitroCli {
  async function ask<T>(answer: v.GenericSchema<unknown, T>, timeout: number, args: readonly string[]): Promise<T> {
    const output = await execute(program, args, timeout)
    const result = v.safeParse(v.pipe(v.string(), v.parseJson(), answer), output)
    if (!result.success)
      throw new NitroCliError('unreadable', `nitro-cli ${args[0]} answered what this version does not`)
    return result.output
  }

  return {
    async run({ eif, cid, cpu_count, memory_mib, debug }) {
      const numbers = ['--cpu-count', `${cpu_count}`, '--memory', `${memory_mib}`, '--enclave-cid', `${cid}`]
      const flags = debug ? ['--debug-mode'] : []
      return (await ask(started, RUN_TIMEOUT_MS, ['run-enclave', '--eif-path', eif, ...numbers, ...flags])).EnclaveID
    },
    async isRunning(id) {
      const enclaves = await ask(described, ASK_TIMEOUT_MS, ['describe-enclaves'])
      return enclaves.some(({ EnclaveID, State }) => EnclaveID === id && State === 'RUNNING')
    },
    async terminate(id) {
      await ask(terminated, ASK_TIMEOUT_MS, ['terminate-enclave', '--enclave-id', id])
    },
    console(id) {
      spawn(program, ['console', '--enclave-id', id], { stdio: ['ignore', 'inherit', 'inherit'] }).on('error', () => {})
    },
  }
}

async function execute(program: string, args: readonly string[], timeout: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(program, args, { timeout, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
    if (error === null) resolve(stdout)
    else reject(failure(error, `nitro-cli ${args[0]}`, stderr))
  })
  return promise
}

function failure(error: Error & { killed?: boolean; code?: unknown }, what: string, stderr: string): NitroCliError {
  if (error.code === 'ENOENT') return new NitroCliError('missing', `${what}: the program is not in the image`)
  if (error.killed === true) return new NitroCliError('timeout', `${what}: no answer in time`)
  const [line, code] = ERROR_LINE.exec(stderr) ?? ['no reason given']
  const remedy = REMEDIES[code ?? '']
  return new NitroCliError('refused', `${what}: ${line}${remedy === undefined ? '' : ` (${remedy})`}`)
}
