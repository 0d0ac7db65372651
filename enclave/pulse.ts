import { setTimeout as sleep } from 'node:timers/promises'
import type { Metrics, Report } from './metrics.ts'
import type { Clock, Log } from './ports.ts'
import { codeOf } from './retry.ts'

const INTERVAL_MS = 60_000

/**
 * Reports once a minute, to where the absence of a heartbeat is an alarm: the host can stop it, and cannot do so quietly.
 */
export async function pulse(
  { metrics, put }: { readonly metrics: Metrics; readonly put: (report: Report, at: number) => Promise<void> },
  {
    clock,
    log,
    signal,
    intervalMs = INTERVAL_MS,
  }: { clock: Clock; log: Log; signal: AbortSignal; intervalMs?: number },
): Promise<void> {
  for (;;) {
    await sleep(intervalMs, undefined, { signal })
    try {
      await put(metrics.report(), clock.now())
    } catch (error) {
      signal.throwIfAborted()
      // Lost, and not put again: CloudWatch would count it for another minute.
      log('warn', 'metrics.put.failed', { error: codeOf(error) })
    }
  }
}
