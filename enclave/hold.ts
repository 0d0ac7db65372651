import type { CloudEvent } from './core/event.ts'
import type { Message } from './ports.ts'

/** Beyond these a message goes back to the queue at once and comes again later. */
const MAX_HELD = 10_000

/** A message of which some events wait for Terraform's state. It stays in the queue, hidden, until all are judged. */
export interface Held {
  readonly message: Message
  readonly events: readonly CloudEvent[]
}

export interface Hold {
  /** False when there is no room. A message that comes a second time takes the place of its first coming. */
  add(held: Held): boolean
  /** Takes everything out, to be judged again. */
  take(): readonly Held[]
}

export function createHold(): Hold {
  let held = new Map<string, Held>()
  return {
    add(entry) {
      if (held.size >= MAX_HELD && !held.has(entry.message.id)) return false
      held.set(entry.message.id, entry)
      return true
    },
    take() {
      const all = [...held.values()]
      held = new Map()
      return all
    },
  }
}
