import { isIP, isIPv4, isIPv6 } from 'node:net'

/** Where a tunnel goes. `authority` is its one spelling: lower case, IPv6 in brackets. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly authority: string
}

const AUTHORITY = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9.-]{1,253})):([1-9]\d{0,4})$/
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** `127.1`, `0x7f.1` and `2130706433` are addresses to getaddrinfo and names to everyone who checks them. */
const ENDS_IN_A_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

export function parseTarget(text: string): Target | undefined {
  const authority = text.toLowerCase()
  const [, v6, name = '', digits] = AUTHORITY.exec(authority) ?? []
  const port = Number(digits)
  if (!(port <= 65_535)) return undefined
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port, authority } : undefined
  if (!NAME.test(name) || (ENDS_IN_A_NUMBER.test(name) && !isIPv4(name))) return undefined
  return { host: name, port, authority }
}

/** `host:port`, or `*.suffix:port` for exactly one label more: a bucket's name before S3's. Never part of an address. */
export function isAllowlistEntry(text: string): boolean {
  const suffix = text.startsWith('*.') ? parseTarget(text.slice(2)) : undefined
  if (suffix !== undefined) return isIP(suffix.host) === 0 && suffix.host.includes('.') && text === text.toLowerCase()
  return parseTarget(text)?.authority === text
}

export type Allows = (target: Target) => boolean

/** Entries as `isAllowlistEntry` has them. An IP address is allowed only where it stands in the list itself. */
export function allowlist(entries: readonly string[]): Allows {
  const allowed = new Set(entries)
  return ({ host, authority }) =>
    allowed.has(authority) || (isIP(host) === 0 && allowed.has(`*${authority.slice(host.indexOf('.'))}`))
}
