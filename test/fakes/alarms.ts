import { EventEmitter, once } from 'node:events'
import type { Alarms } from '../../enclave/alarms.ts'
import type { Alarm } from '../../enclave/core/alarm.ts'

export interface RecordedAlarms extends Alarms {
  readonly all: readonly Alarm[]
  codes(): readonly string[]
  /** Resolves with the next alarm. */
  next(): Promise<Alarm>
}

/** Alarms that are remembered and told to no one. */
export function recordAlarms(): RecordedAlarms {
  const all: Alarm[] = []
  const news = new EventEmitter()
  return {
    all,
    codes: () => all.map(({ code }) => code),
    next: async () => ((await once(news, 'alarm')) as [Alarm])[0],
    raise(alarm) {
      all.push(alarm)
      news.emit('alarm', alarm)
    },
    follow: async () => {},
  }
}
