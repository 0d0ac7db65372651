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
export function openCursor(sink: string, vault: Vault): Cursor {
  const place = { purpose: 'cursor', stream: `cursor-${opaque(sink)}` } as const
  return {
    read: async () => (await vault.recall(place))?.header.sequence ?? 0,
    write: (sequence) => vault.keep({ ...place, sequence }, NOTHING),
  }
}
