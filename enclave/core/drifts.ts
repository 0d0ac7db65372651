import type { Finding } from './finding.ts'
import type { Json } from './json.ts'

/** Beyond these the oldest goes, which can only make a repeat alert again. */
const MAX_RESOURCES = 20_000
const MAX_PATHS = 256
const MAX_SEEN = 200_000

/** Stands in the place of a path for the resource itself: it is gone. */
export const WHOLE = ''

/** One attribute of one resource that is not what its state says. */
export interface OpenDrift {
  readonly path: string
  /** The value that it has; null as well when the record did not show it. */
  readonly now: Json
  /** What was reported. */
  readonly finding: Finding
}

/** The open drifts and the events already judged: a fold over findings, so that stored findings bring it back. */
export interface Drifts {
  /** The open drifts of one resource. */
  open(state: string, address: string): readonly OpenDrift[]
  /** The open drifts of one state. */
  openIn(state: string): readonly OpenDrift[]
  /** Whether this event already had this outcome for this resource: queues and trails deliver twice. */
  isSeen(finding: Finding): boolean
  /** Takes note of a finding; call it once the finding is stored, in the order of the findings. */
  record(finding: Finding): void
}

/** Begins with what earlier findings left open. */
export function createDrifts(stored: Iterable<Finding> = []): Drifts {
  const resources = new Map<string, Map<string, OpenDrift>>()
  const seen = new Set<string>()

  const keep = (key: string, drift: OpenDrift): void => {
    const paths = resources.get(key) ?? new Map<string, OpenDrift>()
    paths.delete(drift.path) // what is set again becomes the youngest
    paths.set(drift.path, drift)
    dropOldest(paths, MAX_PATHS)
    resources.delete(key)
    resources.set(key, paths)
    dropOldest(resources, MAX_RESOURCES)
  }

  const close = (key: string, isClosed: (drift: OpenDrift) => boolean): void => {
    const paths = resources.get(key)
    if (paths === undefined) return
    for (const drift of paths.values()) if (isClosed(drift)) paths.delete(drift.path)
    if (paths.size === 0) resources.delete(key)
  }

  const record = (finding: Finding): void => {
    seen.add(identityOf(finding))
    dropOldest(seen, MAX_SEEN)
    const { outcome, kind, changes } = finding
    const owner = ownerOf(finding)
    if (owner === undefined) return
    const key = keyOf(owner.state, owner.address)
    if (outcome === 'drift' && kind === 'deleted') keep(key, { path: WHOLE, now: null, finding })
    if (outcome === 'drift' && kind !== 'deleted')
      for (const [path, [, now]] of Object.entries(changes)) keep(key, { path, now, finding })
    if (outcome === 'resolved')
      close(
        key,
        (drift) =>
          drift.finding.eventId === finding.resolves && (drift.path === WHOLE || Object.hasOwn(changes, drift.path)),
      )
  }

  for (const finding of stored) record(finding)
  return {
    open: (state, address) => [...(resources.get(keyOf(state, address))?.values() ?? [])],
    openIn: (state) =>
      Array.from(resources.values(), (paths) => [...paths.values()])
        .flat()
        .filter(({ finding }) => finding.resource?.state === state),
    isSeen: (finding) => finding.eventId !== '' && seen.has(identityOf(finding)),
    record,
  }
}

/** The state and the address that a finding is about, where there are any. */
export function ownerOf({ resource }: Finding): { readonly state: string; readonly address: string } | undefined {
  if (resource === null) return undefined
  const { state, address } = resource
  return state === null || address === null ? undefined : { state, address }
}

const keyOf = (state: string, address: string): string => `${state}\n${address}`

/** One event reaches several accounts and touches several resources. */
function identityOf({ eventId, account, outcome, resource, resolves }: Finding): string {
  return [eventId, account, outcome, resource?.type, resource?.id, resolves].join('\n')
}

function dropOldest(
  entries: { size: number; keys(): IterableIterator<string>; delete(key: string): boolean },
  most: number,
) {
  for (const key of entries.keys()) {
    if (entries.size <= most) return
    entries.delete(key)
  }
}
