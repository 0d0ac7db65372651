import { Refusal } from './refusal.ts'

/** What one `POST /log` may carry. */
export const MAX_LOG_BYTES = 4 << 20
const MAX_LINE_BYTES = 16 << 10

/**
 * Lines for the parent's log, each one JSON object. They pass on as they are, so nothing may get in that is not one:
 * any pod of the node can post here, and a log that a stranger can break is no evidence. One bad line refuses all.
 */
export function parseLines(body: Uint8Array): string {
  const text = decode(body)
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  lines.forEach((line, index) => {
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) {
      throw new Refusal('bad-line', `line ${index + 1} is over ${MAX_LINE_BYTES} bytes`)
    }
    if (!isObject(line)) throw new Refusal('bad-line', `line ${index + 1} is not a JSON object`)
  })
  return `${lines.join('\n')}\n`
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw new Refusal('bad-line', 'the lines are not UTF-8')
  }
}

function isObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
