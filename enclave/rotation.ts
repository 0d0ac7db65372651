import { setTimeout as sleep } from 'node:timers/promises'
import type { Alarms } from './alarms.ts'
import type { Keys } from './keys.ts'
import type { Ledger } from './ledger.ts'
import type { Clock, Log } from './ports.ts'
import { codeOf } from './retry.ts'
import type { Vault } from './vault.ts'

/** Enclaves that started together must not all ask at once: each interval is up to so much shorter. */
const JITTER = 0.2
/** One failed look is weather; so many in a row are for a person to see. */
const FAILURES_BEFORE_ALARM = 3

/**
 * Looks for a new data key at each interval. A new one seals from the moment it is found, the ledger takes note of it,
 * live objects are sealed again, and keys that nothing asks for any more are wiped. If a look fails, the present key
 * stays in use.
 */
export async function rotate(
  { keys, ledger, vault }: { readonly keys: Keys; readonly ledger: Ledger; readonly vault: Pick<Vault, 'renew'> },
  intervalSecs: number,
  { alarms, clock, log, signal }: { alarms: Alarms; clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  let failures = 0

  async function look(): Promise<boolean> {
    try {
      const adopted = await keys.refresh()
      failures = 0
      return adopted
    } catch (error) {
      signal.throwIfAborted()
      failures += 1
      log('warn', 'key.refresh.failed', { error: codeOf(error), failures })
      if (failures === FAILURES_BEFORE_ALARM) alarms.raise(failing(error, new Date(clock.now()).toISOString()))
      return false
    }
  }

  async function renew(): Promise<void> {
    try {
      const renewed = await vault.renew()
      if (renewed > 0) log('info', 'vault.renewed', { objects: renewed })
    } catch (error) {
      signal.throwIfAborted()
      log('warn', 'vault.renew.failed', { error: codeOf(error) }) // and again after the next look
    }
  }

  for (;;) {
    await sleep(intervalSecs * 1000 * (1 - Math.random() * JITTER), undefined, { signal })
    if (await look()) await ledger.append([], signal)
    await renew()
    keys.wipeIdle()
  }
}

const failing = (error: unknown, since: string) =>
  ({
    code: 'KeyRefreshFailing',
    id: since,
    reason: `${FAILURES_BEFORE_ALARM} looks in a row for a new data key failed (${codeOf(error)}): the present one stays in use; look at Secrets Manager, KMS and the key policy`,
  }) as const
