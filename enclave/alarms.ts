import { EventEmitter, once } from 'node:events'
import type { Alarm } from './core/alarm.ts'
import type { Log } from './ports.ts'

/** The detector's alarms about itself. One that is lost in a crash is raised again when its cause is seen again. */
export interface Alarms {
  raise(alarm: Alarm): void
  /** Hands over each alarm that was raised, and those to come, one after the other. */
  follow(tell: (alarm: Alarm) => Promise<void>, signal: AbortSignal): Promise<void>
}

export function createAlarms(log: Log): Alarms {
  const waiting = new Map<string, Alarm>()
  const raised = new EventEmitter()
  return {
    raise(alarm) {
      log('error', 'alarm.raised', { alarm: alarm.code, id: alarm.id })
      waiting.set(`${alarm.code}/${alarm.id}`, alarm)
      raised.emit('alarm')
    },
    async follow(tell, signal) {
      for (;;) {
        for (const [key, alarm] of waiting) {
          waiting.delete(key)
          await tell(alarm)
        }
        if (waiting.size === 0) await once(raised, 'alarm', { signal })
      }
    },
  }
}
