import type { Finding, OutcomeName } from './core/finding.ts'
import type { Log } from './ports.ts'

/** Counts what became of the events. `report` says the counts since the start, if they have changed since it last did. */
export function countOutcomes(log: Log): { observe: (finding: Finding) => void; report: () => void } {
  const counts: Partial<Record<OutcomeName, number>> = {}
  let changed = false
  return {
    observe({ outcome }) {
      counts[outcome] = (counts[outcome] ?? 0) + 1
      changed = true
    },
    report() {
      if (changed) log('info', 'outcomes', counts)
      changed = false
    },
  }
}
