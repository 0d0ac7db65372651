import { createHash, randomBytes } from 'node:crypto'
import type { Blobs, Clock } from './ports.ts'
import { seal } from './sealing/envelope.ts'
import type { Ring, SealedPurpose } from './sealing/ring.ts'
import type { Sealed } from './sealing/types.ts'

const NONCE_BYTES = 12
const NO_PREDECESSOR = new Uint8Array(32)

/** What the host reads as the name of something: the same each time, and nothing else. */
export const opaque = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16)

/** The parent's store, and the keys without which it is noise. */
export interface Vault {
  readonly blobs: Blobs
  readonly ring: Ring
  readonly environment: string
  /** Seals for this place, now. Objects that stand alone have no predecessor. */
  readonly seal: <T>(
    place: {
      readonly purpose: SealedPurpose
      readonly stream: string
      readonly sequence: number
      readonly predecessor?: Uint8Array
    },
    plaintext: Uint8Array,
  ) => Sealed<T>
}

export const openVault = (blobs: Blobs, ring: Ring, environment: string, clock: Clock): Vault => ({
  blobs,
  ring,
  environment,
  seal: ({ predecessor = NO_PREDECESSOR, ...place }, plaintext) =>
    seal(ring, { ...place, predecessor, environment, time: clock.now() }, randomBytes(NONCE_BYTES), plaintext),
})
