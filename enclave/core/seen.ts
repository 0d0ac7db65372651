import { dropOldest } from './bounded.ts'
import type { Finding } from './finding.ts'

/** Beyond these the oldest goes, which can only make a repeat alert again. */
const MAX_SEEN = 200_000

const NONE: readonly string[] = []

/** What was already said of an event: queues deliver twice, trails overlap, and a call reaches several accounts. */
export interface Seen {
  has(finding: Finding): boolean
  add(finding: Finding): void
}

export function createSeen(): Seen {
  const seen = new Set<string>()
  return {
    has(finding) {
      const delivery = deliveryOf(finding)
      return (delivery !== undefined && seen.has(delivery)) || copiesOf(finding).some((key) => seen.has(key))
    },
    add(finding) {
      const delivery = deliveryOf(finding)
      if (delivery !== undefined) seen.add(delivery)
      for (const key of marksOf(finding)) seen.add(key)
      dropOldest(seen, MAX_SEEN)
    },
  }
}

/** One delivery of an event to one account, for one resource. */
function deliveryOf({ eventId, account, resource }: Finding): string | undefined {
  return eventId === '' ? undefined : `${eventId}\n${account}\n${resource?.type ?? ''}\n${resource?.id ?? ''}`
}

/**
 * What would make the finding a copy of another, from a different account's trail. The copy that finds its resource in a
 * state counts even where another, which did not, came first.
 */
const copiesOf = (finding: Finding): readonly string[] =>
  finding.sharedEventId === undefined
    ? NONE
    : (ownedOf(finding) ?? [...callOf(finding, 'unowned'), ...callOf(finding, 'owned')])

const marksOf = (finding: Finding): readonly string[] => {
  if (finding.sharedEventId === undefined) return NONE
  const owned = ownedOf(finding)
  return owned === undefined ? callOf(finding, 'unowned') : [...owned, ...callOf(finding, 'owned')]
}

const callOf = ({ sharedEventId, resource }: Finding, what: string): readonly string[] => [
  ['shared', sharedEventId, resource?.type, what].join('\n'),
]

function ownedOf(finding: Finding): readonly string[] | undefined {
  const { resource } = finding
  return resource === null || resource.state === null
    ? undefined
    : callOf(finding, `${resource.state}\n${resource.address}`)
}
