import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'

/**
 * Asks once for a name however many connections wait for it. getaddrinfo holds a thread of a small pool until it gives
 * up, so a name whose server is silent would otherwise keep every other upstream from being resolved.
 */
export function sharedLookup(resolve: (host: string) => Promise<LookupAddress[]>): LookupFunction {
  const asking = new Map<string, Promise<LookupAddress[]>>()
  return (host, _options, done) => {
    const answer = asking.getOrInsertComputed(host, () => resolve(host).finally(() => asking.delete(host)))
    callbackify(() => answer)(done)
  }
}
