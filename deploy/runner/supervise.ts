import { setTimeout as wait } from 'node:timers/promises'
import type { Status } from './health.ts'
import { type NitroCli, NitroCliError } from './nitro_cli.ts'
import type { Settings } from './settings.ts'

type LogCode = 'enclave-started' | 'enclave-check-failed' | 'enclave-terminated'
export type Log = (level: 'info' | 'warn', code: LogCode, fields: Readonly<Record<string, string | number>>) => void

export class EnclaveEndedError extends Error {
  readonly code = 'ERR_ENCLAVE_ENDED'
}

/**
 * One enclave from its start to its end. It rejects if the enclave ends by itself: the process ends with it, and Kubernetes
 * starts both again with growing pauses. When the signal aborts it ends the enclave and resolves.
 */
export async function supervise(
  cli: NitroCli,
  settings: Settings,
  around: { readonly status: Status; readonly intervalMs: number; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const { status, intervalMs, log, signal } = around
  const id = await cli.run(settings)
  status.startedAt = status.seenAt = Date.now()
  log('info', 'enclave-started', { id, cid: settings.cid })
  if (settings.debug) cli.console(id)

  while (!signal.aborted) {
    await wait(intervalMs, undefined, { signal }).catch(() => {})
    if (!signal.aborted) await check()
  }
  await cli.terminate(id)
  status.seenAt = undefined
  log('info', 'enclave-terminated', { id })

  async function check(): Promise<void> {
    try {
      if (await cli.isRunning(id)) status.seenAt = Date.now()
      else
        throw new EnclaveEndedError(`enclave ${id} ended by itself; its last log lines are in the parent-proxy's log`)
    } catch (error) {
      if (!(error instanceof NitroCliError)) throw error
      // Not an answer is not the end: if it stays so, liveness fails.
      status.failedChecks += 1
      log('warn', 'enclave-check-failed', { reason: error.code })
    }
  }
}
