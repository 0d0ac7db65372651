import { dropOldest } from './bounded.ts'
import { createByResource } from './by_resource.ts'
import { isInside } from './path.ts'

/** Beyond these the oldest goes, which can only make an event that comes late count as if it came in time. */
const MAX_RESOURCES = 50_000
const MAX_PATHS = 256
/** Calls on one attribute in one second. */
const MAX_TIES = 16

/** Stands in the place of a path for the resource itself: that it was made, or is gone. */
export const WHOLE = ''

/** An event at one managed resource. */
export interface Moment {
  readonly state: string
  readonly address: string
  /** The event's id. */
  readonly event: string
  /** When it happened, in ms. */
  readonly time: number
}

/** What one event wrote, whether or not that made a difference. */
export interface Touched extends Moment {
  /** Paths that have a value now which nothing earlier can change. */
  readonly paths: readonly string[]
  /** Paths of which only some elements came or went. */
  readonly parts: readonly string[]
  /** It waits for Terraform's state. */
  readonly isHeld: boolean
}

export interface Touches {
  add(touched: Touched): void
  /** When any path of the resource was last written; undefined where that is not known. */
  last(state: string, address: string): number | undefined
  /** What was written after an event at its resource. */
  since(moment: Moment): Later
  /** When the last event wrote this path, if it was one that waits for Terraform's state. */
  heldAt(state: string, address: string, path: string): number | undefined
}

export interface Later {
  /** Whether something later has written this path, what it lies in, or made or deleted the resource. */
  isLate(path: string): boolean
  /** The same, and as well whether some of its elements came or went later. */
  isFollowed(path: string): boolean
}

const NOTHING: Later = { isLate: () => false, isFollowed: () => false }

interface Write {
  readonly time: number
  readonly event: string
  readonly isHeld: boolean
  /** Those at the same time that came before. */
  readonly ties: readonly string[]
}

type Writes = Map<string, Write>

/** Remembers when each attribute was last written: queues and trails keep no order, and the younger value is the true one. */
export function createTouches(): Touches {
  const resources = createByResource<{ readonly whole: Writes; readonly parts: Writes }>(MAX_RESOURCES)

  return {
    add(touched) {
      if (Number.isNaN(touched.time)) return
      const { state, address } = touched
      const known = resources.get(state, address) ?? {
        whole: new Map<string, Write>(),
        parts: new Map<string, Write>(),
      }
      for (const path of touched.paths) put(known.whole, path, touched)
      for (const path of touched.parts) put(known.parts, path, touched)
      resources.set(state, address, known)
    },
    last(state, address) {
      const known = resources.get(state, address)
      const times = [...(known?.whole.values() ?? []), ...(known?.parts.values() ?? [])].map(({ time }) => time)
      return times.length === 0 ? undefined : Math.max(...times)
    },
    since(moment) {
      const known = resources.get(moment.state, moment.address)
      if (known === undefined) return NOTHING
      const isLate = (path: string): boolean => isOverwritten(known.whole, moment, path)
      return { isLate, isFollowed: (path) => isLate(path) || isOverwritten(known.parts, moment, path) }
    },
    heldAt(state, address, path) {
      const known = resources.get(state, address)
      const held = [known?.whole.get(path), known?.parts.get(path)].filter((write) => write?.isHeld === true)
      return held.length === 0 ? undefined : Math.max(...held.map((write) => write?.time ?? 0))
    },
  }
}

/** CloudTrail counts whole seconds: of two in the same one the later to come is the later. */
function put(writes: Writes, path: string, { time, event, isHeld }: Touched): void {
  const before = writes.get(path)
  if (before !== undefined && isAfter(before, { time, event })) return
  const isTie = before?.time === time && before.event !== event
  const ties = before?.time === time ? [...before.ties, ...(isTie ? [before.event] : [])].slice(-MAX_TIES) : []
  writes.delete(path)
  writes.set(path, { time, event, isHeld, ties })
  dropOldest(writes, MAX_PATHS)
}

const isAfter = (write: Write, { time, event }: Pick<Moment, 'time' | 'event'>): boolean =>
  write.time > time || (write.time === time && write.ties.includes(event))

function isOverwritten(writes: Writes, moment: Moment, path: string): boolean {
  for (const [written, write] of writes)
    if (isAfter(write, moment) && (written === WHOLE || isInside(path, written))) return true
  return false
}
