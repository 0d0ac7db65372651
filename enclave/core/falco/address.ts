/** An address or a network as bits: the address's own, and how many of them count. */
export interface Network {
  readonly version: 4 | 6
  readonly bits: bigint
  readonly prefix: number
}

const WIDTH = { 4: 32, 6: 128 } as const
const OCTET = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-fA-F]{1,4}$/
const PREFIX = /^\d{1,3}$/

/** `192.0.2.7` or `2001:db8::7`; anything else is undefined. */
export function parseAddress(text: string): Network | undefined {
  const version = text.includes(':') ? 6 : 4
  const bits = version === 6 ? parseSix(text) : parseFour(text)
  return bits === undefined ? undefined : { version, bits, prefix: WIDTH[version] }
}

/** `192.0.2.0/24`: an address and how many of its bits count. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const base = slash < 0 ? undefined : parseAddress(text.slice(0, slash))
  const prefix = text.slice(slash + 1)
  if (base === undefined || !PREFIX.test(prefix) || Number(prefix) > base.prefix) return undefined
  return { ...base, prefix: Number(prefix) }
}

export function isInNetwork(address: Network, network: Network): boolean {
  if (address.version !== network.version) return false
  const rest = BigInt(WIDTH[network.version] - network.prefix)
  return address.bits >> rest === network.bits >> rest
}

function parseFour(text: string): bigint | undefined {
  const octets = text.split('.')
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) < 256)) return undefined
  return octets.reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n)
}

/** RFC 4291 section 2.2: groups of 16 bits, one `::` for any number of zero groups, the last 32 bits also as IPv4. */
function parseSix(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => groupsOf(half))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array<bigint>(tail === undefined ? 0 : missing).fill(0n), ...(tail ?? [])]
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n)
}

function groupsOf(half: string): readonly bigint[] | undefined {
  if (half === '') return []
  const groups: bigint[] = []
  for (const [place, part] of half.split(':').entries()) {
    const four = part.includes('.') && half.split(':').length === place + 1 ? parseFour(part) : undefined
    if (four !== undefined) groups.push(four >> 16n, four & 0xffffn)
    else if (GROUP.test(part)) groups.push(BigInt(`0x${part}`))
    else return undefined
  }
  return groups
}
