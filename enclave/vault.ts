import { createHash, randomBytes } from 'node:crypto'
import type { Alarms } from './alarms.ts'
import type { Keys } from './keys.ts'
import type { Blobs, Clock, HostBytes } from './ports.ts'
import { open, seal, type Expected, type Opened } from './sealing/envelope.ts'
import { SealingError } from './sealing/error.ts'
import { createNonces } from './sealing/nonce.ts'
import type { KeyId, Ring, SealedPurpose } from './sealing/ring.ts'
import type { Sealed } from './sealing/types.ts'
import { createTurn } from './turn.ts'

/** Of the object that an alarm is about: another object is another alarm. */
const ALARM_DIGEST_CHARS = 16
/** Versions of an object that were sent to the parent, one after the other, without an answer. */
const MAX_UNANSWERED = 16
const NO_PREDECESSOR = new Uint8Array(32)

/** What the host reads as the name of something: the same each time, and nothing else. */
export const opaque = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16)

/** Where an object stands. Objects that stand alone have no predecessor. */
interface Place {
  readonly purpose: SealedPurpose
  readonly stream: string
  readonly sequence: number
  readonly predecessor?: Uint8Array
}

/** The parent's store, and the keys without which it is noise. */
export interface Vault {
  readonly blobs: Blobs
  readonly ring: Ring
  /** Has the key in the ring that an object names, if it can be had. */
  readonly unlock: Keys['unlock']
  readonly environment: string
  /** Seals for this place, now. */
  readonly seal: <T>(place: Place, plaintext: Uint8Array) => Sealed<T>
  /** Opens what a store gave, with whichever key it takes. Whatever is wrong with the object is a SealingError. */
  readonly open: (expected: Omit<Expected, 'environment'>, object: Uint8Array) => Promise<Opened>
  /** Stores the present form of a live object: one that is replaced again and again, under its stream's name. */
  readonly keep: (place: Place, plaintext: Uint8Array) => Promise<void>
  /** The live object of that name; undefined where there is none, or none that can be trusted, which raises an alarm. */
  readonly recall: (place: Omit<Place, 'sequence'>) => Promise<Opened | undefined>
  /** Seals the live objects again that stand under an older key, and answers how many did. */
  readonly renew: () => Promise<number>
}

/** A live object as it was last seen: should the host put an older one in its place, it must not be sealed anew. */
interface Live {
  readonly keyId: KeyId
  readonly digests: readonly string[]
  readonly place: Omit<Place, 'sequence'>
}

export function openVault(
  blobs: Blobs,
  { ring, unlock }: Pick<Keys, 'ring' | 'unlock'>,
  environment: string,
  { clock, alarms }: { readonly clock: Clock; readonly alarms: Alarms },
): Vault {
  const live = new Map<string, Live>()
  const turns = new Map<string, ReturnType<typeof createTurn>>()
  const nonce = createNonces(randomBytes)

  /** Of one live object no two versions are written at once. */
  const inTurn = <T>(name: string, task: () => Promise<T>): Promise<T> => {
    const turn = turns.get(name) ?? createTurn()
    turns.set(name, turn)
    return turn(task)
  }

  const sealAt = <T>({ predecessor = NO_PREDECESSOR, ...place }: Place, plaintext: Uint8Array): Sealed<T> =>
    seal(ring, { ...place, predecessor, environment, time: clock.now() }, nonce(), plaintext)

  async function openAt(expected: Omit<Expected, 'environment'>, object: Uint8Array): Promise<Opened> {
    await unlock(object)
    return open(ring, { ...expected, environment }, object)
  }

  async function store(place: Place, plaintext: Uint8Array): Promise<void> {
    const object = sealAt(place, plaintext)
    const known = live.get(place.stream)
    // Until the parent has answered, either version may stand there.
    const either = [...(known?.digests ?? []), digest(object)].slice(-MAX_UNANSWERED)
    if (known !== undefined) live.set(place.stream, { ...known, digests: either })
    await blobs.replace(place.stream, object)
    const { sequence: _, ...rest } = place
    live.set(place.stream, { keyId: ring.current(place.purpose).id, digests: [digest(object)], place: rest })
  }

  async function read(place: Omit<Place, 'sequence'>, object: HostBytes): Promise<Opened | undefined> {
    try {
      const opened = await openAt(place, object)
      live.set(place.stream, { keyId: opened.keyId, digests: [digest(object)], place })
      return opened
    } catch (error) {
      if (!(error instanceof SealingError)) throw error
      tampered(place.stream, error.code, digest(object))
      return undefined
    }
  }

  const tampered = (name: string, code: string, object: string): void =>
    alarms.raise({
      code: 'ObjectTampered',
      id: `${name}-${code}-${object.slice(0, ALARM_DIGEST_CHARS)}`,
      reason: `the host gave ${name} back changed, exchanged or cut (${code}): it is not used; look at the host`,
    })

  /** Whether it was sealed again; what is no longer what it was is left to whoever writes it next. */
  const renewOne = (name: string): Promise<boolean> =>
    inTurn(name, async () => {
      const known = live.get(name)
      if (known === undefined || known.keyId === ring.current(known.place.purpose).id) return false
      const object = await blobs.get(name)
      if (object === undefined || !known.digests.includes(digest(object))) {
        live.delete(name)
        if (object === undefined) tampered(name, 'missing', known.digests.join())
        else tampered(name, 'replaced', digest(object))
        return false
      }
      const opened = await read(known.place, object)
      if (opened === undefined) return false
      await store({ ...known.place, sequence: opened.header.sequence }, opened.plaintext)
      return true
    })

  return {
    blobs,
    ring,
    unlock,
    environment,
    seal: sealAt,
    open: openAt,
    keep: (place, plaintext) => inTurn(place.stream, () => store(place, plaintext)),
    recall: (place) =>
      inTurn(place.stream, async () => {
        const object = await blobs.get(place.stream)
        return object === undefined ? undefined : read(place, object)
      }),
    async renew() {
      let renewed = 0
      for (const name of live.keys()) if (await renewOne(name)) renewed += 1
      return renewed
    },
  }
}

const digest = (object: Uint8Array): string => createHash('sha256').update(object).digest('hex')
