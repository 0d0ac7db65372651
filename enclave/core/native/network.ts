import { canonicalJson, isObject, type Json } from '../json.ts'
import { numberOf } from './operators.ts'
import { textOf } from './values.ts'

/** Shorter prefixes than these are the world: half of it at a time is open as well (0.0.0.0/1 and 128.0.0.0/1). */
const WORLD_V4 = 8
const WORLD_V6 = 16
const CIDR = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|[0-9a-f:]*:[0-9a-f:]*)\/(\d{1,3})$/i
const PORTS = /^(\d{1,5})(?:-(\d{1,5}))?$/
/** Their `from_port` is a message type, if anything. */
const PORTLESS = new Set(['icmp', 'icmpv6', 'esp', 'ah', '1', '50', '51', '58'])
const ALL_PROTOCOLS = new Set(['-1', 'all'])

export interface PortRange {
  readonly from: number
  readonly to: number
}

const EVERY_PORT: PortRange = { from: 0, to: 65_535 }

/** Whether a text is a network so large that it stands for everybody. */
function isWorld(cidr: string): boolean {
  if (cidr === '*' || cidr === 'Internet') return true
  const [, v4, prefix] = CIDR.exec(cidr) ?? []
  return prefix !== undefined && Number(prefix) < (v4 === undefined ? WORLD_V6 : WORLD_V4)
}

/** The world's networks in a value, each with the block that they stand in: rules of a group, or plain texts. */
export function worldsIn(value: Json): readonly { readonly text: string; readonly block: Json }[] {
  const members: readonly Json[] = Array.isArray(value) ? value : [value]
  return members.flatMap((member) => {
    const open = textsIn(member).filter(isWorld)
    return open.map((cidr) => ({ text: isObject(member) ? `${cidr} ${ports(member)}` : cidr, block: member }))
  })
}

/** The ports that a block opens; undefined where it does not say. */
export function portsOf(block: Json): readonly PortRange[] | undefined {
  if (Array.isArray(block)) {
    const ranges = block.map((member: Json) => portsOf(member))
    return ranges.every((range) => range === undefined) ? undefined : ranges.flatMap((range) => range ?? [])
  }
  if (!isObject(block)) return undefined
  const protocol = textOf(block['protocol'] ?? block['ip_protocol'] ?? null).toLowerCase()
  if (ALL_PROTOCOLS.has(protocol)) return [EVERY_PORT]
  if (PORTLESS.has(protocol)) return []
  // Google's lists of texts; one that names none is open on all.
  if (Array.isArray(block['ports'])) return block['ports'].length === 0 ? [EVERY_PORT] : block['ports'].flatMap(rangeOf)
  const [from, to] = [numberOf(block['from_port'] ?? null), numberOf(block['to_port'] ?? null)]
  return from === undefined ? undefined : [{ from, to: to ?? from }]
}

/** `22`, `"22"` or `"8000-8999"`. */
export function rangeOf(text: Json): readonly PortRange[] {
  const [, from, to = from] = PORTS.exec(textOf(text)) ?? []
  return from === undefined ? [] : [{ from: Number(from), to: Number(to) }]
}

const ports = (block: Json): string => canonicalJson((portsOf(block) ?? []).map(({ from, to }) => [from, to]))

/** Every text in a value but descriptions, however deep; values come with bounded depth. */
function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap((member: Json) => textsIn(member))
  return isObject(value)
    ? Object.entries(value).flatMap(([key, inner]) => (key === 'description' ? [] : textsIn(inner)))
    : []
}
