import type { Log } from './ports.ts'
import { codeOf } from './retry.ts'
import { open } from './sealing/envelope.ts'
import { opaque, type Vault } from './vault.ts'

const NOTHING = new Uint8Array()

/** Where a sink left off in the ledger; it survives a restart, sealed. */
export interface Cursor {
  read(): Promise<number>
  write(sequence: number): Promise<void>
}

/**
 * The number stands in the sealed object's header; there is nothing else to say. One that is lost, old or forged makes
 * the sink hear again what it has heard, never miss anything.
 */
export function openCursor(sink: string, { blobs, ring, environment, seal }: Vault, log: Log): Cursor {
  const name = `cursor-${opaque(sink)}`
  const stream = { purpose: 'cursor', stream: name } as const
  return {
    async read() {
      const object = await blobs.get(name)
      if (object === undefined) return 0
      try {
        return open(ring, { ...stream, environment }, object).header.sequence
      } catch (error) {
        log('error', 'cursor.unusable', { sink, error: codeOf(error) })
        return 0
      }
    },
    write: (sequence) => blobs.replace(name, seal({ ...stream, sequence }, NOTHING)),
  }
}
