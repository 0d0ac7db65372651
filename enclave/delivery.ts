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
  { ledger, cursor, log, signal }: { ledger: Ledger; cursor: Cursor; log: Log; signal: AbortSignal },
): Promise<void> {
  let taken = await cursor.read()
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

async function hand(sink: Sink, finding: Finding, log: Log, signal: AbortSignal): Promise<void> {
  const answer = await persist(`sink.${sink.name}`, () => sink.deliver(finding, signal), { log, signal })
  // One finding that the far side will never take must not keep back all that follow. It stays in the ledger.
  if (answer === 'refused') log('error', `sink.${sink.name}.refused`)
}
