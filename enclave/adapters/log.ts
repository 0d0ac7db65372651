import { pino } from 'pino'
import type { Log } from '../ports.ts'
import type { Parent } from './parent.ts'

const MAX_PENDING = 1 << 20
const MAX_ANSWER = 4096
const STORED = 204

/**
 * Log lines for the parent to keep. They are few and hold codes and numbers only, since the host reads them; while the
 * parent does not take them they wait within a bound, and what no longer fits is counted in the next line that does.
 */
export function openParentLog(parent: Parent): Log {
  let pending: string[] = []
  let size = 0
  /** Lines that are lost, and how many of those the pending ones speak of. */
  let dropped = 0
  let told = 0
  let sending = false

  async function send(): Promise<void> {
    if (sending) return
    sending = true
    while (pending.length > 0) {
      const [lines, counted] = [pending, told]
      pending = []
      size = 0
      told = 0
      const body = Buffer.from(lines.join(''))
      // The log is the one thing that may be lost: an enclave that stops because its host keeps no log helps nobody.
      const taken = await parent('POST', '/log', { limit: MAX_ANSWER, body }).then(
        ({ status }) => status === STORED,
        () => false,
      )
      if (!taken) dropped += lines.length + counted
    }
    sending = false
  }

  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'code',
      formatters: { level: (level) => ({ level }) },
    },
    {
      write(line: string) {
        if (size + line.length > MAX_PENDING) dropped += 1
        else {
          pending.push(line)
          size += line.length
          told += dropped
          dropped = 0
        }
        void send()
      },
    },
  )

  return (level, code, fields = {}) => logger[level](dropped > 0 ? { ...fields, dropped } : fields, code)
}
