import { EventEmitter, once } from 'node:events'
import type { Finding } from './core/finding.ts'
import type { Log } from './ports.ts'
import { persist } from './retry.ts'
import { open } from './sealing/envelope.ts'
import { advance, extend, GENESIS, next, type Anomaly, type Head } from './sealing/ledger.ts'
import type { Sealed } from './sealing/types.ts'
import type { Vault } from './vault.ts'

const PURPOSE = 'alert'
const STREAM = 'alerts'
const PREFIX = 'alerts-'
const SEQUENCE_DIGITS = 12
const NAME = /^alerts-(\d{12})$/
/** Entries read ahead while the ledger is opened. */
const READ_AHEAD = 32

export class LedgerError extends Error {
  readonly code = 'ERR_LEDGER_FORKED'
}

/** The alerts of this enclave's life and of those before it: sealed, numbered, each naming the one before. */
export interface Ledger {
  /** What one event led to, stored as one object: all of it or nothing survives a crash. */
  append(findings: readonly Finding[], signal: AbortSignal): Promise<void>
  /** The findings in one place; none where the store lost it. */
  read(sequence: number): Promise<readonly Finding[]>
  /** Resolves once there is an entry after `sequence`. */
  beyond(sequence: number, signal: AbortSignal): Promise<void>
}

const isFinal = (error: unknown): boolean => error instanceof LedgerError
const nameOf = (sequence: number): string => `${PREFIX}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`

/**
 * Opens the ledger that the parent keeps. It reads every entry, tells what an honest store would not show, and goes on
 * with what can be proved.
 */
export async function openLedger(
  vault: Vault,
  log: Log,
): Promise<{ ledger: Ledger; findings: readonly Finding[]; anomalies: readonly Anomaly[] }> {
  const { blobs, ring, environment } = vault
  const stream = { environment, purpose: PURPOSE, stream: STREAM } as const
  const findings: Finding[] = []
  const anomalies: Anomaly[] = []
  let head: Head = GENESIS

  const sequences = (await blobs.list(PREFIX))
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
  for (let at = 0; at < sequences.length; at += READ_AHEAD) {
    const batch = sequences.slice(at, at + READ_AHEAD)
    const objects = await Promise.all(batch.map((sequence) => blobs.get(nameOf(sequence))))
    for (const [index, sequence] of batch.entries()) {
      const step = extend(ring, stream, head, { sequence, bytes: objects[index] })
      head = step.head
      anomalies.push(...step.anomalies)
      if (step.opened !== undefined) findings.push(...decode(step.opened.plaintext))
    }
  }

  const grown = new EventEmitter()

  async function store(object: Sealed<readonly Finding[]>, name: string): Promise<void> {
    if ((await blobs.create(name, object)) === 'created') return
    // An answer that was lost on its way: what stands there is ours. Anything else is another writer, or the host.
    const there = await blobs.get(name)
    if (there === undefined || Buffer.compare(there, object) !== 0) {
      throw new LedgerError(`something else was stored as ${name}: does a second enclave use this parent's store?`)
    }
  }

  const ledger: Ledger = {
    async append(entry, signal) {
      const place = next(head)
      const object = vault.seal<readonly Finding[]>(
        { purpose: PURPOSE, stream: STREAM, ...place },
        Buffer.from(JSON.stringify(entry)),
      )
      await persist('ledger.append', () => store(object, nameOf(place.sequence)), { log, signal, isFinal })
      head = advance(head, object)
      grown.emit('entry')
    },
    async read(sequence) {
      const object = await blobs.get(nameOf(sequence))
      return object === undefined ? [] : decode(open(ring, { ...stream, sequence }, object).plaintext)
    },
    async beyond(sequence, signal) {
      while (head.sequence <= sequence) await once(grown, 'entry', { signal })
    },
  }
  return { ledger, findings, anomalies }
}

/** What opened was sealed here: its shape is our own word. */
const decode = (plaintext: Uint8Array): readonly Finding[] => JSON.parse(Buffer.from(plaintext).toString()) as Finding[]
