import { InvalidArgumentError } from 'commander'

const PCR = /^[0-9a-f]{96}$/
const HEX = /^(?:[0-9a-f]{2})*$/
/** With its zone: a verification must not depend on where it is run. */
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

export function parseTime(text: string): Date {
  const time = new Date(text.replace(' ', 'T'))
  if (TIME.test(text) && !Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('Expected a time with its zone, such as 2026-01-15T12:00:00Z.')
}

export function parsePcr(text: string): string {
  const value = text.toLowerCase()
  if (PCR.test(value)) return value
  throw new InvalidArgumentError('Expected 96 hex digits. (The file goes in front of the options.)')
}

/** Of an option that may be given more than once. */
export const addPcr = (text: string, earlier: readonly string[] = []): readonly string[] => [...earlier, parsePcr(text)]

export function parseHex(text: string): Uint8Array {
  const value = text.toLowerCase()
  if (HEX.test(value)) return Uint8Array.fromHex(value)
  throw new InvalidArgumentError('Expected bytes in hex, two digits each.')
}

export function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (text !== '' && seconds >= 0 && Number.isFinite(seconds)) return seconds
  throw new InvalidArgumentError('Expected a number of seconds.')
}
