import { dropOldest } from './bounded.ts'
import { createByResource } from './by_resource.ts'
import type { Excuse, Finding } from './finding.ts'
import { createFlapping, type Flap } from './flapping.ts'
import type { Json } from './json.ts'
import { createTallies, type Tallies } from './native/thresholds.ts'
import { createSeen } from './seen.ts'
import { createTouches, WHOLE, type Touched, type Touches } from './touches.ts'

/** Beyond these the oldest goes, which can only make a repeat alert again. */
const MAX_RESOURCES = 20_000
const MAX_PATHS = 256

/** One attribute of one resource that is not what its state says; with `WHOLE` as its path, a resource that is gone. */
export interface OpenDrift {
  readonly path: string
  /** The value that it has; null as well when the record did not show it. */
  readonly now: Json
  /** What was reported. */
  readonly finding: Finding
  /** Undefined when people were told; else why they were not. */
  readonly excuse: Excuse | undefined
  /** It flaps, and just now is as the state says. Nobody was told of that yet. */
  readonly isBack: boolean
}

/** The open drifts and the events already judged: a fold over findings, so that stored findings bring it back. */
export interface Drifts {
  /** The open drifts of one resource. */
  open(state: string, address: string): readonly OpenDrift[]
  /** The open drifts of one state, or of all. */
  openIn(state?: string): readonly OpenDrift[]
  flap(state: string, address: string, path: string, time: number): Flap | undefined
  /** Whether something was already said of this event and resource. */
  isSeen(finding: Finding): boolean
  /** Takes note of a finding, in the order of the findings. Nobody is told of it before it is stored. */
  record(finding: Finding): void
  /** When attributes were last written. Not stored: what is held comes again after a restart. */
  readonly touches: Omit<Touches, 'add'>
  touch(touched: readonly Touched[]): void
  /** How often the conditions of rules with a threshold held. */
  readonly tallies: Pick<Tallies, 'isReached'>
}

type Paths = Map<string, OpenDrift>

/** Whose a finding is. */
interface Owner {
  readonly state: string
  readonly address: string
}

const NONE: readonly OpenDrift[] = []

/** Begins with what earlier findings left open. */
export function createDrifts(stored: Iterable<Finding> = []): Drifts {
  const resources = createByResource<Paths>(MAX_RESOURCES)
  const flapping = createFlapping()
  const seen = createSeen()
  const touches = createTouches()
  const tallies = createTallies()

  const keep = ({ state, address }: Owner, drift: OpenDrift): void => {
    const paths = resources.get(state, address) ?? new Map<string, OpenDrift>()
    if (drift.path === WHOLE) paths.clear() // with the resource goes all that was wrong with it
    paths.delete(drift.path) // what is set again becomes the youngest
    paths.set(drift.path, drift)
    dropOldest(paths, MAX_PATHS)
    resources.set(state, address, paths)
  }

  const close = ({ state, address }: Owner, path: string, opener: string | undefined): void => {
    const paths = resources.get(state, address)
    if (paths?.get(path)?.finding.eventId !== opener) return
    paths?.delete(path)
    if (paths?.size === 0) resources.delete(state, address)
  }

  const open = (owner: Owner, finding: Finding): void => {
    const { kind, changes, time, eventId } = finding
    const at = Date.parse(time)
    if (finding.outcome === 'drift' && kind === 'deleted')
      keep(owner, { path: WHOLE, now: null, finding, excuse: undefined, isBack: false })
    for (const [path, [, now]] of Object.entries(changes)) {
      keep(owner, { path, now, finding, excuse: undefined, isBack: false })
      flapping.note({ ...owner, path }, at, now)
      if (finding.flapping?.[path] !== undefined) flapping.report({ ...owner, path }, eventId)
    }
    for (const { path, change, ...excuse } of finding.withheld ?? []) {
      if (excuse.by === 'writer') continue
      const before = resources.get(owner.state, owner.address)?.get(path ?? WHOLE)
      const drift = { path: path ?? WHOLE, now: change?.[1] ?? null, isBack: false }
      // Who was told of a drift is told of its end.
      const told = before !== undefined && before.excuse === undefined
      keep(owner, told ? { ...before, ...drift } : { ...drift, finding, excuse })
      if (excuse.by === 'flapping') flapping.note({ ...owner, path: drift.path }, at, drift.now)
    }
  }

  const end = (owner: Owner, { kind, changes, withheld = [], time, resolves }: Finding): void => {
    const at = Date.parse(time)
    if (kind !== 'changed') close(owner, WHOLE, resolves)
    for (const path of Object.keys(changes)) {
      close(owner, path, resolves)
      flapping.note({ ...owner, path }, at)
    }
    for (const { path, by, change } of withheld) {
      const before = resources.get(owner.state, owner.address)?.get(path ?? WHOLE)
      // Only who was told of a drift still has to be told of its end.
      if (by !== 'flapping' || before === undefined || before.excuse !== undefined)
        close(owner, path ?? WHOLE, resolves)
      else {
        keep(owner, { ...before, now: change?.[1] ?? null, isBack: true })
        flapping.note({ ...owner, path: before.path }, at)
      }
    }
  }

  const record = (finding: Finding): void => {
    seen.add(finding)
    tallies.record(finding)
    const owner = ownerOf(finding)
    if (owner === undefined) return
    const { outcome, resolves } = finding
    if (outcome === 'resolved' || (outcome === 'suppressed' && resolves !== undefined)) end(owner, finding)
    else if (outcome === 'drift' || outcome === 'suppressed') open(owner, finding)
  }

  for (const finding of stored) record(finding)
  return {
    open(state, address) {
      const paths = resources.get(state, address)
      return paths === undefined ? NONE : [...paths.values()]
    },
    openIn: (state) =>
      Array.from(resources.values(), (paths) => [...paths.values()])
        .flat()
        .filter(({ finding }) => state === undefined || finding.resource?.state === state),
    flap: (state, address, path, time) => flapping.at({ state, address, path }, time),
    isSeen: (finding) => seen.has(finding),
    record,
    touches,
    touch(touched) {
      for (const one of touched) touches.add(one)
    },
    tallies,
  }
}

/** The state and the address that a finding is about, where there are any. */
export function ownerOf({ resource }: Finding): Owner | undefined {
  if (resource === null) return undefined
  const { state, address } = resource
  return state === null || address === null ? undefined : { state, address }
}
