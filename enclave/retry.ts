import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './ports.ts'

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000
/** Of an error, as far as its code names them. */
const MAX_CAUSES = 3

/**
 * Does what has to be done, however long the parent or AWS is away: each failure is logged, the pause grows and has
 * jitter. `isFinal` says which failures no waiting can mend.
 */
export async function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  { log, signal, isFinal = () => false }: { log: Log; signal: AbortSignal; isFinal?: (error: unknown) => boolean },
  wait: (ms: number) => Promise<void> = (ms) => sleep(ms, undefined, { signal }),
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (isFinal(error)) throw error
      signal.throwIfAborted()
      log('warn', `${what}.failed`, { error: codeOf(error), retry_ms: pause })
      await wait(pause / 2 + Math.random() * (pause / 2))
    }
  }
}

/** The part of an error that may be logged: messages can quote what they were given. After it come those of its causes. */
export function codeOf(error: unknown, depth = MAX_CAUSES): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return error.cause instanceof Error && depth > 0 ? `${code}/${codeOf(error.cause, depth - 1)}` : code
}

/** The message as well, of errors with a code: those are written to be read, while a parser's may quote its input. */
export const reasonOf = (error: unknown): { readonly reason?: string } =>
  error instanceof Error && 'code' in error ? { reason: error.message } : {}
