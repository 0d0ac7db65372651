import type { Alarms } from './alarms.ts'
import type { Alarm } from './core/alarm.ts'
import type { Finding, OutcomeName } from './core/finding.ts'
import type { Cursor } from './cursor.ts'
import type { Ledger } from './ledger.ts'
import type { Log, Sink } from './ports.ts'
import { persist } from './retry.ts'

/**
 * Follows the ledger for one sink: in order, each entry until it is taken. A sink that is away delays nobody else and
 * loses nothing; after a restart it may get the last entry twice, under the same delivery id.
 */
export async function deliver(
  sink: Sink,
  wanted: readonly OutcomeName[],
  {
    ledger,
    cursor,
    alarms,
    log,
    signal,
  }: { ledger: Ledger; cursor: Cursor; alarms: Alarms; log: Log; signal: AbortSignal },
): Promise<void> {
  const told = await persist('cursor.read', () => cursor.read(), { log, signal })
  if (told > ledger.openedAt) alarms.raise(cutShort(sink.name, told, ledger.openedAt))
  let taken = Math.min(told, ledger.openedAt)
  for (;;) {
    await ledger.beyond(taken, signal)
    const findings = await persist('ledger.read', () => ledger.read(taken + 1), { log, signal })
    for (const finding of findings.filter(({ outcome }) => wanted.includes(outcome))) {
      await hand(sink, finding, log, signal)
    }
    taken += 1
    await persist('cursor.write', () => cursor.write(taken), { log, signal })
  }
}

/** The cursor is a head that was kept apart; left where it stands, the sink would miss as many alerts as were cut off. */
const cutShort = (sink: string, told: number, length: number): Alarm => ({
  code: 'LedgerTampered',
  id: `cut-${length}-${told}`,
  reason: `the ledger ends at place ${length}, but ${sink} was told of place ${told}: the host has cut it short or put an older one in its place`,
})

async function hand(sink: Sink, finding: Finding, log: Log, signal: AbortSignal): Promise<void> {
  const answer = await persist(`sink.${sink.name}`, () => sink.deliver(finding, signal), { log, signal })
  // One finding that the far side will never take must not keep back all that follow. It stays in the ledger.
  if (answer === 'refused') log('error', `sink.${sink.name}.refused`)
}
