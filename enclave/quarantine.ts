import { randomBytes } from 'node:crypto'
import type { Log } from './ports.ts'
import type { Vault } from './vault.ts'

const PREFIX = 'quarantine-'
const NAME_BYTES = 8
/** What is broken is kept for people to look at, but nobody fills the store with it. */
const MAX_KEPT = 1000

/** Puts away input that could not be read, sealed. */
export type Quarantine = (bytes: Uint8Array) => Promise<void>

export async function openQuarantine({ blobs, seal }: Vault, log: Log): Promise<Quarantine> {
  let kept = (await blobs.list(PREFIX)).length
  return async (bytes) => {
    if (kept >= MAX_KEPT) {
      log('warn', 'quarantine.full', { kept })
      return
    }
    const name = PREFIX + randomBytes(NAME_BYTES).toString('hex')
    await blobs.create(name, seal({ purpose: 'quarantine', stream: name, sequence: 0 }, bytes))
    kept += 1
    log('warn', 'quarantine.kept', { name, bytes: bytes.length, kept })
  }
}
