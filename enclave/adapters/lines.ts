import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Finding } from '../core/finding.ts'
import type { Sink } from '../ports.ts'

/** Findings as lines on a stream: for people on a console, as NDJSON for programs. */
export const openLines = (name: string, stream: Writable, line: (finding: Finding) => string): Sink => ({
  name,
  async deliver(finding, signal) {
    if (!stream.write(`${line(finding)}\n`)) await once(stream, 'drain', { signal })
    return 'taken'
  },
})
