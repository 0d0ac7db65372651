import { dropOldest } from './bounded.ts'
import { createByResource } from './by_resource.ts'
import { canonicalJson, type Json } from './json.ts'

/** After so many openings and endings, none long after the one before, an attribute flaps. */
const TRANSITIONS = 6
/** An attribute that was left alone for so long rests. */
const REST_MS = 900_000
/** Beyond these the oldest goes, which can only make a flapping attribute alert again. */
const MAX_RESOURCES = 5_000
/** Each tag is one, of which AWS allows fifty. */
const MAX_PATHS = 64
const MAX_VALUES = 16

/** An attribute that comes and goes. */
export interface Flap {
  readonly transitions: number
  /** When it began, in ms. */
  readonly since: number
  /** The event whose finding said so. */
  readonly reportedBy: string | undefined
  /** Whether people were told of this value. One that is new is told even now: nobody hides a change behind noise. */
  knows(value: Json): boolean
}

/** An attribute of a managed resource. */
interface Attribute {
  readonly state: string
  readonly address: string
  readonly path: string
}

/** How often each attribute left its state and came back: a fold, like the open drifts. */
export interface Flapping {
  /** Takes note that an attribute took the value, or with none that it is as the state says again. */
  note(attribute: Attribute, time: number, value?: Json): void
  /** Takes note that the event's finding said that it flaps. */
  report(attribute: Attribute, eventId: string): void
  /** Undefined while it does not flap. */
  at(attribute: Attribute, time: number): Flap | undefined
}

interface History {
  readonly since: number
  readonly last: number
  readonly transitions: number
  readonly values: ReadonlySet<string>
  readonly reportedBy: string | undefined
}

export function createFlapping(): Flapping {
  const resources = createByResource<Map<string, History>>(MAX_RESOURCES)
  const historyOf = ({ state, address, path }: Attribute) => resources.get(state, address)?.get(path)
  const put = ({ state, address, path }: Attribute, history: History): void => {
    const histories = resources.get(state, address) ?? new Map<string, History>()
    histories.delete(path)
    histories.set(path, history)
    dropOldest(histories, MAX_PATHS)
    resources.set(state, address, histories)
  }
  const isAtRest = ({ last }: History, time: number): boolean => time - last > REST_MS

  return {
    note(attribute, time, value) {
      if (Number.isNaN(time)) return
      const known = historyOf(attribute)
      const going = known !== undefined && !isAtRest(known, time) ? known : undefined
      const values = new Set(going?.values)
      if (value !== undefined && values.size < MAX_VALUES) values.add(canonicalJson(value))
      put(attribute, {
        since: going?.since ?? time,
        last: Math.max(time, going?.last ?? time),
        transitions: (going?.transitions ?? 0) + 1,
        values,
        reportedBy: going?.reportedBy,
      })
    },
    report(attribute, eventId) {
      const known = historyOf(attribute)
      if (known !== undefined) put(attribute, { ...known, reportedBy: eventId })
    },
    at(attribute, time) {
      const history = historyOf(attribute)
      if (history === undefined || history.transitions < TRANSITIONS || isAtRest(history, time)) return undefined
      const { transitions, since, reportedBy, values } = history
      return { transitions, since, reportedBy, knows: (value) => values.has(canonicalJson(value)) }
    },
  }
}
