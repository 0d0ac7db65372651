import { dropOldest } from '../bounded.ts'
import type { Finding } from '../finding.ts'

/** What is counted apart from each other. */
const MAX_KEYS = 10_000
/** The largest threshold; as many moments are kept for each key. */
export const MAX_COUNT = 100

export type Per = NonNullable<Finding['counted']>[number]['per']

/** A rule with one holds when its conditions held for `count` findings within `windowMs` of event time. */
export interface Threshold {
  readonly count: number
  readonly windowMs: number
  readonly per: Per
}

/** How often rules' conditions held: like the open drifts a fold over findings, so that stored ones bring it back. */
export interface Tallies {
  /** Whether this finding, for which the rule's conditions hold, is the one that reaches the threshold. */
  isReached(rule: string, threshold: Threshold, finding: Finding): boolean
  /** Takes note of a finding, in the order of the findings. */
  record(finding: Finding): void
}

export function createTallies(): Tallies {
  const times = new Map<string, readonly number[]>()

  const keep = (key: string, at: readonly number[]): void => {
    times.delete(key) // what is counted again becomes the youngest
    times.set(key, at)
    dropOldest(times, MAX_KEYS)
  }

  return {
    isReached(rule, { count, windowMs, per }, finding) {
      const now = Date.parse(finding.time)
      // Queues deliver out of order, so the window may begin at any of these.
      const moments = ordered(times.get(keyOf(rule, finding, per)) ?? [], now)
      return moments.some((from, index) => (moments[index + count - 1] ?? Infinity) - from < windowMs)
    },
    record(finding) {
      const { counted } = finding
      if (counted === undefined) return
      const at = Date.parse(finding.time)
      if (Number.isNaN(at)) return
      for (const { rule, per } of counted) {
        const key = keyOf(rule, finding, per)
        // After an alert the count begins anew.
        if (finding.rules.some(({ id }) => id === rule)) times.delete(key)
        else keep(key, ordered(times.get(key) ?? [], at).slice(-MAX_COUNT))
      }
    },
  }
}

const ordered = (moments: readonly number[], at: number): readonly number[] => [...moments, at].sort((a, b) => a - b)

const keyOf = (rule: string, finding: Finding, per: Per): string => [rule, per, ...whose(finding, per)].join('\n')

function whose({ actor, account, resource }: Finding, per: Per): readonly (string | null | undefined)[] {
  switch (per) {
    case 'actor':
      // Whoever assumes a role names his session as he likes: it must not begin a new count.
      return [actor.account, actor.type, actor.role ?? actor.arn ?? actor.name]
    case 'resource':
      return [account, resource?.state, resource?.address ?? resource?.type, resource?.id]
    case 'account':
      return [account]
  }
}
