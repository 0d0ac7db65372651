/** An IPv4 address with its prefix. */
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/
const IPV6 = /^([0-9A-Fa-f:]+(?:\d{1,3}(?:\.\d{1,3}){3})?)(?:\/(\d{1,3}))?$/
const GROUPS = 8

const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ['1', 'icmp'],
  ['6', 'tcp'],
  ['17', 'udp'],
  ['58', 'icmpv6'],
  ['all', '-1'],
])

/** An IP protocol in the one form that EC2 answers with. */
export function normalProtocol(text: string): string {
  const lower = text.toLowerCase()
  return PROTOCOLS.get(lower) ?? lower
}

/** Route 53 writes an asterisk as `\052`. */
export const normalDnsName = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(String.raw`\052`, '*')
    .replace(/\.$/, '')

/** An address or network as EC2 keeps it: the host's bits are zero, an address alone is a network of one. What is none stays. */
export function normalCidr(text: string): string {
  const four = IPV4.exec(text)
  if (four !== null) return normalIpv4(text, four.slice(1, 5).map(Number), Number(four[5] ?? 32))
  const six = IPV6.exec(text)
  if (six === null) return text
  const groups = ipv6Groups(six[1] ?? '')
  const length = Number(six[2] ?? 128)
  if (groups === undefined || length > 128) return text
  const masked = groups.map((group, at) => group & mask(length - at * 16, 16))
  return `${ipv6Text(masked)}/${length}`
}

/** RFC 5952: the longest run of zeros is left out, of two the first. */
function ipv6Text(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':')
  const runs = (text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []).map((run) => run.replace(/^:/, ''))
  const [longest] = runs.toSorted((a, b) => b.length - a.length)
  if (longest === undefined) return text
  // Not the zero at the end of `fd00`.
  return text.replace(new RegExp(String.raw`\b${longest}\b`), '::').replace(/:{3,}/, '::')
}

function normalIpv4(text: string, bytes: readonly number[], length: number): string {
  if (length > 32 || bytes.some((byte) => byte > 255)) return text
  return `${bytes.map((byte, at) => byte & mask(length - at * 8, 8)).join('.')}/${length}`
}

/** The first `length` of `size` bits. */
function mask(length: number, size: number): number {
  const kept = Math.min(Math.max(length, 0), size)
  return (2 ** size - 1) & ~(2 ** (size - kept) - 1)
}

function ipv6Groups(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupsIn)))
  const missing = GROUPS - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail]
  return groups.every((group) => group >= 0 && group <= 0xff_ff) ? groups : undefined
}

/** A group, or the two that an IPv4 address at the end stands for; -1 for what is neither. */
function groupsIn(text: string): readonly number[] {
  const four = IPV4.exec(text)
  if (four === null || four[5] !== undefined) return [/^[0-9A-Fa-f]{1,4}$/.test(text) ? Number.parseInt(text, 16) : -1]
  const [a = 0, b = 0, c = 0, d = 0] = four.slice(1, 5).map(Number)
  return [a, b, c, d].every((byte) => byte <= 255) ? [a * 256 + b, c * 256 + d] : [-1]
}
