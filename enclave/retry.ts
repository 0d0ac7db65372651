import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './ports.ts'

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000

/**
 * Does what has to be done, however long the parent or AWS is away: each failure is logged, the pause grows and has
 * jitter. `isFinal` says which failures no waiting can mend.
 */
export async function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  { log, signal, isFinal = () => false }: { log: Log; signal: AbortSignal; isFinal?: (error: unknown) => boolean },
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (isFinal(error)) throw error
      signal.throwIfAborted()
      log('warn', `${what}.failed`, { error: codeOf(error), retry_ms: pause })
      await sleep(pause / 2 + Math.random() * (pause / 2), undefined, { signal })
    }
  }
}

/** The part of an error that may be logged: messages can quote what they were given. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
