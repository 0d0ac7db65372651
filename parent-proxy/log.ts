import { openSync } from 'node:fs'
import { pino } from 'pino'

/** What the parent says about itself. Stable: alarms and the local stack match on them. Host names, never bytes. */
type LogCode =
  /** All three listen; `ingress_port` is where. The first line of a process. */
  | 'ready'
  /** A signal came: no new connections, the open ones get a moment. */
  | 'stopping'
  /** A tunnel was not opened: `reason` is the refusal's code, `target` what was asked for. */
  | 'egress-refused'
  /** A client was turned away because the enclave does not answer. */
  | 'ingress-unreachable'
  /** Someone other than the enclave came to egress or services over vsock, and was turned away: `cid` is whom. */
  | 'foreign-peer'
  /** Clients are turned away because there are too many. */
  | 'ingress-full'
  /** The credentials endpoint did not help: `reason` says how. What is held serves on until it expires. */
  | 'credentials-failed'
  /** A request to the services ended in a fault of the parent's own. */
  | 'service-failed'
  /** The system refuses new connections, as a rule for want of descriptors. */
  | 'accept-failed'
  /** A bug: one connection may be lost by it, the process goes on. */
  | 'uncaught'

export type Log = (
  level: 'info' | 'warn' | 'error',
  code: LogCode,
  fields?: Readonly<Record<string, string | number | undefined>>,
) => void

/** What may wait for a slow reader of our output; beyond it lines are dropped rather than the proxy stopped. */
const MAX_WAITING_BYTES = 16 << 20
/** Of one code. Anyone who reaches the ingress can cause lines, and must not be able to fill the disk with them. */
const MAX_LINES_A_SECOND = 20

/** The parent's own lines and the enclave's, as they come, on standard output and in `file` if there is one. */
export function openLog(file: string | undefined): { log: Log; append: (lines: string) => void } {
  const descriptors = [1, ...(file === undefined ? [] : [openSync(file, 'a', 0o600)])]
  const streams = descriptors.map((dest) => pino.destination({ dest, sync: false, maxLength: MAX_WAITING_BYTES }))
  // A full disk or a closed pipe must not end the proxy, and there is nowhere left to say it.
  streams.forEach((stream) => stream.on('error', () => {}))
  const append = (lines: string) => streams.forEach((stream) => stream.write(lines))
  const logger = pino(
    {
      base: { name: 'parent-proxy' },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'code',
      formatters: { level: (level) => ({ level }) },
    },
    { write: append },
  )
  return { log: sparing((level, code, fields) => logger[level](fields ?? {}, code), Date.now), append }
}

/** Leaves out what one code says too often; its next line counts what was left out. */
export function sparing(log: Log, now: () => number): Log {
  const spoken = new Map<LogCode, { second: number; lines: number }>()
  return (level, code, fields = {}) => {
    const second = Math.floor(now() / 1000)
    const last = spoken.get(code) ?? { second, lines: 0 }
    const current = last.second === second
    const lines = current ? last.lines + 1 : 1
    spoken.set(code, { second, lines })
    if (lines > MAX_LINES_A_SECOND) return
    const unsaid = current ? 0 : Math.max(0, last.lines - MAX_LINES_A_SECOND)
    log(level, code, unsaid > 0 ? { ...fields, unsaid } : fields)
  }
}
