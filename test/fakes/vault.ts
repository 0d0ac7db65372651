import type { Keys } from '../../enclave/keys.ts'
import { sealedWith } from '../../enclave/sealing/envelope.ts'
import { createRing, keyIdOf, type KeyId } from '../../enclave/sealing/ring.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { openVault, type Vault } from '../../enclave/vault.ts'
import { recordAlarms, type RecordedAlarms } from './alarms.ts'
import type { MemoryBlobs } from './blobs.ts'

const wrappedOf = (key: number): Uint8Array => Buffer.from(`wrapped ${key}`)

/** The id of the key that `testVault` knows by this number. */
export const keyOf = (key: number): KeyId => keyIdOf(wrappedOf(key))

export interface TestVault extends Vault {
  readonly alarms: RecordedAlarms
  /** The keys that something asked for. */
  readonly asked: KeyId[]
  sealWith(key: number): void
}

/** A vault over these blobs, whose keys are numbers and all there. */
export function testVault(
  blobs: MemoryBlobs,
  { keys = [1, 2], environment = 'production' }: { keys?: readonly number[]; environment?: string } = {},
): TestVault {
  const ring = createRing()
  for (const key of keys) ring.add(wrappedOf(key), new Secret(new Uint8Array(32).fill(key)))
  const [first = 1] = keys
  ring.sealWith(keyOf(first))
  const asked: KeyId[] = []
  const unlock: Keys['unlock'] = async (object) => {
    try {
      asked.push(sealedWith(object))
    } catch {
      // what is no object names no key
    }
  }
  const alarms = recordAlarms()
  const vault = openVault(blobs, { ring, unlock }, environment, { clock: { now: () => 1_800_000_000_000 }, alarms })
  return { ...vault, alarms, asked, sealWith: (key) => ring.sealWith(keyOf(key)) }
}
