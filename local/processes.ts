import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const READY_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 5_000
/** As much of a dead process's last words as is worth repeating. */
const MAX_LAST_WORDS = 4096

export interface Running {
  readonly name: string
  readonly child: ChildProcess
  /** The first line on its standard output: the process has what it needs and answers. */
  readonly ready: string
  /** Resolves with the exit code (null after a signal) once it has ended. */
  readonly ended: Promise<number | null>
  /** What it said on standard error. */
  lastWords(): string
  stop(signal?: NodeJS.Signals): Promise<void>
}

export class StartError extends Error {
  readonly code = 'ERR_START'
  /** The exit code of the process, if it had ended. */
  readonly exit: number | null
  readonly lastWords: string
  constructor(name: string, exit: number | null, lastWords: string) {
    super(`${name} did not start: ${lastWords || `it ended with ${exit}`}`)
    this.exit = exit
    this.lastWords = lastWords
  }
}

/** Starts one process of the stack under the Node that runs this one, and waits until it says that it is ready. */
export async function start(
  name: string,
  module: string,
  args: readonly string[],
  options: { onLine?: (line: string) => void; onMessage?: (message: unknown) => void } = {},
): Promise<Running> {
  const { NODE_COMPILE_CACHE: cache } = process.env
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../${module}`, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Nothing of the caller's, AWS settings least of all, but where Node keeps what it has compiled.
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
  })
  const ended = once(child, 'close').then(([code]) => code as number | null) // the documented first argument of 'close'
  let lastWords = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-MAX_LAST_WORDS)
  })

  if (options.onMessage !== undefined) child.on('message', options.onMessage)

  const { promise: ready, resolve } = Promise.withResolvers<string>()
  if (child.stdout === null) throw new StartError(name, null, 'it has no standard output')
  createInterface({ input: child.stdout }).on('line', (line) => {
    resolve(line)
    options.onLine?.(line)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS)
  const first = await Promise.race([ready, ended])
  clearTimeout(timer)
  if (typeof first !== 'string') throw new StartError(name, first, lastWords.trim())

  return {
    name,
    child,
    ready: first,
    ended,
    lastWords: () => lastWords.trim(),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      child.kill(signal)
      await ended
      clearTimeout(hard)
    },
  }
}
