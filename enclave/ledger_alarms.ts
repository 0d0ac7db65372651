import { createHash } from 'node:crypto'
import type { Alarm } from './core/alarm.ts'
import type { Reading } from './ledger_reading.ts'
import type { Anomaly } from './sealing/ledger.ts'

/** As many as a person wants to read; the log has all. */
const MAX_TOLD = 5
const ID_CHARS = 16

/**
 * The alarms about a ledger as it was read. What no copy could mend stays, so its alarm has the same id at each start
 * until something else is wrong. What was mended is gone: should it happen again, the ledger has grown, and it is news.
 */
export function alarmsOf({ anomalies, repaired, head }: Pick<Reading, 'anomalies' | 'repaired' | 'head'>): Alarm[] {
  const alarms: Alarm[] = []
  const [first] = repaired
  const last = repaired.at(-1)
  if (first !== undefined && last !== undefined) {
    alarms.push({
      code: 'LedgerRepaired',
      id: `${first}-${last}-of-${head.sequence}`,
      reason: `the host had lost or altered ${repaired.length} places of the ledger from ${first} to ${last}; they are put right from S3. Where this is not a new or restored node, look at the host.`,
    })
  }
  if (anomalies.length > 0) {
    const told = anomalies.slice(0, MAX_TOLD).map(describe)
    const rest = anomalies.length > MAX_TOLD ? [`${anomalies.length - MAX_TOLD} more in the log`] : []
    alarms.push({
      code: 'LedgerTampered',
      id: createHash('sha256').update(JSON.stringify(anomalies)).digest('hex').slice(0, ID_CHARS),
      reason: `the ledger is not as it was written: ${[...told, ...rest].join('; ')}. Alerts of these places may never have reached anyone; look at the host.`,
    })
  }
  return alarms
}

function describe(anomaly: Anomaly): string {
  switch (anomaly.kind) {
    case 'missing':
      return anomaly.first === anomaly.last
        ? `place ${anomaly.first} is missing`
        : `places ${anomaly.first} to ${anomaly.last} are missing`
    case 'repeated':
      return `place ${anomaly.sequence} is listed twice`
    case 'renamed':
      return `place ${anomaly.sequence} holds the entry of place ${anomaly.genuine}`
    case 'foreign':
      return `place ${anomaly.sequence} holds something that was not sealed for it (${anomaly.code})`
    case 'tampered':
      return `what stands at place ${anomaly.sequence} was altered or cut`
    case 'forked':
      return `place ${anomaly.sequence} continues another history`
  }
}
