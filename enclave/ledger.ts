import { EventEmitter, once } from 'node:events'
import type { Alarms } from './alarms.ts'
import { CopiesError, storeOnce, type Copies } from './copies.ts'
import type { Finding } from './core/finding.ts'
import { alarmsOf } from './ledger_alarms.ts'
import { ALERTS, nameOf, readLedger, decode } from './ledger_reading.ts'
import type { Log } from './ports.ts'
import { persist } from './retry.ts'
import { SealingError } from './sealing/error.ts'
import { advance, next } from './sealing/ledger.ts'
import type { KeyId } from './sealing/ring.ts'
import { createTurn } from './turn.ts'
import type { Vault } from './vault.ts'

/** The alerts of this enclave's life and of those before it: sealed, numbered, each naming the one before. */
export interface Ledger {
  /**
   * What a batch of events led to, stored as one object in every copy: all of it or nothing survives a crash. An entry without
   * findings says that a new key seals from here on: the ledger is the history of the keys, too.
   */
  append(findings: readonly Finding[], signal: AbortSignal): Promise<void>
  /** The findings in one place, from whichever copy proves genuine; none where all of them lost it. */
  read(sequence: number): Promise<readonly Finding[]>
  /** The highest place that was taken when it was opened. */
  readonly openedAt: number
  /** Resolves once there is an entry after `sequence`. */
  beyond(sequence: number, signal: AbortSignal): Promise<void>
}

const isFinal = (error: unknown): boolean => error instanceof CopiesError

/**
 * Opens the ledger: reads all of it, raises an alarm about whatever honest stores would not show, and goes on with what
 * can be proved. `keys` are those that sealed it, in their order.
 */
export async function openLedger(
  vault: Vault,
  copies: Copies,
  { alarms, log }: { readonly alarms: Alarms; readonly log: Log },
): Promise<{ ledger: Ledger; findings: readonly Finding[]; keys: readonly KeyId[] }> {
  const reading = await readLedger(vault, copies)
  const { findings, keys, anomalies, repaired, lost } = reading
  for (const anomaly of anomalies) log('error', 'ledger.anomaly', { ...anomaly })
  for (const alarm of alarmsOf(reading)) alarms.raise(alarm)
  log('info', 'ledger.opened', {
    findings: findings.length,
    anomalies: anomalies.length,
    repaired: repaired.length,
  })

  let { head } = reading
  const turn = createTurn()
  const grown = new EventEmitter().setMaxListeners(0) // as many as there are sinks

  const ledger: Ledger = {
    append: (entry, signal) =>
      turn(async () => {
        const place = next(head)
        const plaintext = Buffer.from(JSON.stringify(entry))
        const object = vault.seal<readonly Finding[]>({ ...ALERTS, ...place }, plaintext)
        const store = () => storeOnce(copies, nameOf(place.sequence), object)
        await persist('ledger.append', store, { log, signal, isFinal })
        head = advance(head, object)
        grown.emit('entry')
      }),
    async read(sequence) {
      for (const copy of [copies.parent, copies.s3]) {
        const object = await copy?.get(nameOf(sequence))
        const found = object === undefined ? undefined : await openEntry(vault, sequence, object)
        if (found !== undefined) return found
      }
      if (!lost.has(sequence)) {
        alarms.raise({
          code: 'LedgerTampered',
          id: `unreadable-${sequence}`,
          reason: `place ${sequence} of the ledger was lost or altered after it was stored: what stood there is not delivered; look at the host`,
        })
      }
      return []
    },
    openedAt: reading.head.sequence,
    async beyond(sequence, signal) {
      while (head.sequence <= sequence) await once(grown, 'entry', { signal })
    },
  }
  return { ledger, findings, keys }
}

async function openEntry(vault: Vault, sequence: number, object: Uint8Array): Promise<readonly Finding[] | undefined> {
  try {
    return decode((await vault.open({ ...ALERTS, sequence }, object)).plaintext)
  } catch (error) {
    if (error instanceof SealingError) return undefined
    throw error
  }
}
