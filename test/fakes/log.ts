import type { Log } from '../../enclave/ports.ts'

interface Line {
  readonly level: string
  readonly code: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A log that remembers. */
export function recordLog(): {
  readonly log: Log
  readonly lines: readonly Line[]
  readonly codes: () => readonly string[]
} {
  const lines: Line[] = []
  return {
    log: (level, code, fields = {}) => void lines.push({ level, code, fields }),
    lines,
    codes: () => lines.map(({ code }) => code),
  }
}
