import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { SealingError } from './error.ts'
import { Secret } from './types.ts'

const KEY_BYTES = 32
export const KEY_ID_BYTES = 8
/** 128 bits: enough that two values never share a digest by accident, short enough to read. */
const DIGEST_HEX_CHARS = 32

/** What an object can be sealed for. Each purpose has a subkey, so that no object can pass for one of another purpose. */
export const SEALED_PURPOSES = ['alert', 'state', 'cursor', 'key', 'quarantine'] as const
export type SealedPurpose = (typeof SEALED_PURPOSES)[number]
type Purpose = SealedPurpose | 'digest'

/** Names a data key without telling anything of it: the start of the SHA-256 of its wrapped form, in hex. */
export type KeyId = string

export const keyIdOf = (wrapped: Uint8Array): KeyId =>
  createHash('sha256').update(wrapped).digest().subarray(0, KEY_ID_BYTES).toString('hex')

export interface Subkey {
  readonly id: KeyId
  readonly secret: Secret
}

/** The data keys in use: one that seals, and every one whose objects must still open. Disposing of the ring wipes all. */
export interface Ring extends Disposable {
  /** Takes `dek` over: it is wiped as soon as its subkeys are derived. What it sealed opens from now on. */
  add(wrapped: Uint8Array, dek: Secret): KeyId
  /** Seals with this key from now on. */
  sealWith(id: KeyId): void
  /** Digests with this key from now on, whatever seals and even when it is dropped: digests must stay comparable. */
  digestWith(id: KeyId): void
  /** Wipes a key that no object needs any more. */
  drop(id: KeyId): void
  /** The keys that open. */
  ids(): readonly KeyId[]
  current(purpose: Purpose): Subkey
  find(id: KeyId, purpose: Purpose): Subkey | undefined
}

export function createRing(): Ring {
  const keys = new Map<KeyId, ReadonlyMap<Purpose, Subkey>>()
  let sealing: KeyId | undefined
  let digesting: Subkey | undefined

  const find = (id: KeyId, purpose: Purpose): Subkey | undefined => keys.get(id)?.get(purpose)

  const wipe = (id: KeyId): void => {
    keys.get(id)?.forEach(({ secret }) => secret[Symbol.dispose]())
    keys.delete(id)
  }

  return {
    add(wrapped, dek) {
      using taken = dek
      const id = keyIdOf(wrapped)
      if (!keys.has(id))
        keys.set(
          id,
          taken.use((bytes) => deriveSubkeys(id, bytes)),
        )
      return id
    },
    sealWith(id) {
      if (!keys.has(id))
        throw new SealingError('unknown-key', `key ${id} is not in the ring: add it before sealing with it`)
      sealing = id
    },
    digestWith(id) {
      const subkey = find(id, 'digest')
      if (subkey === undefined)
        throw new SealingError('unknown-key', `key ${id} is not in the ring: add it before digesting with it`)
      digesting?.secret[Symbol.dispose]()
      digesting = { id, secret: new Secret(subkey.secret.use((bytes) => Uint8Array.from(bytes))) }
    },
    drop(id) {
      if (id === sealing) throw new SealingError('bad-input', `key ${id} seals: choose another before dropping it`)
      wipe(id)
    },
    ids: () => [...keys.keys()],
    current(purpose) {
      if (purpose === 'digest' && digesting !== undefined) return digesting
      const key = sealing === undefined ? undefined : find(sealing, purpose)
      if (key === undefined) throw new SealingError('no-key', 'the ring has no key to seal with: add one and choose it')
      return key
    },
    find,
    [Symbol.dispose]() {
      for (const id of keys.keys()) wipe(id)
      digesting?.secret[Symbol.dispose]()
      digesting = undefined
      sealing = undefined
    },
  }
}

/**
 * Shows that a secret value changed, or did not, without showing it. It is keyed, so that a short value cannot be
 * found by trying; under another key the same value has another digest.
 */
export const digestOf = (ring: Ring, value: string): string =>
  ring
    .current('digest')
    .secret.use((key) => `sha256:${createHmac('sha256', key).update(value).digest('hex').slice(0, DIGEST_HEX_CHARS)}`)

function deriveSubkeys(id: KeyId, dek: Uint8Array): ReadonlyMap<Purpose, Subkey> {
  if (dek.length !== KEY_BYTES)
    throw new SealingError('bad-key', `a data key has ${KEY_BYTES} bytes: provision a new one`)
  const purposes: readonly Purpose[] = [...SEALED_PURPOSES, 'digest']
  return new Map(purposes.map((purpose) => [purpose, { id, secret: deriveSubkey(dek, purpose) }]))
}

/** RFC 5869 with an empty salt: a data key from KMS is uniform already, so extraction needs none (section 3.1). */
const deriveSubkey = (dek: Uint8Array, purpose: Purpose): Secret =>
  new Secret(new Uint8Array(hkdfSync('sha256', dek, '', `driftseal/v1/${purpose}`, KEY_BYTES)))
