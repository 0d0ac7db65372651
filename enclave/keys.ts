import type { Alarms } from './alarms.ts'
import type { Alarm } from './core/alarm.ts'
import { KmsError } from './adapters/kms.ts'
import { createIn, type Copies } from './copies.ts'
import type { HostBytes, Log } from './ports.ts'
import { sealedWith } from './sealing/envelope.ts'
import { SealingError } from './sealing/error.ts'
import { createRing, keyIdOf, type KeyId, type Ring } from './sealing/ring.ts'
import type { Wrapped } from './sealing/types.ts'
import { createTurn } from './turn.ts'
import { fetchCurrent, openWrapped, type Unwrapping } from './unwrap.ts'

const PREFIX = 'key-'

const nameOf = (id: KeyId): string => PREFIX + id

/** The data keys of this environment: the one that seals, and the older ones as something asks for them. */
export interface Keys {
  readonly ring: Ring
  /**
   * Chooses the key that seals, now that the ledger has told which keys did, in their order. True: one that the ledger
   * has yet to see.
   */
  begin(history: readonly KeyId[]): Promise<boolean>
  /** Looks for a new AWSCURRENT and seals with it from then on. True: there was one. */
  refresh(): Promise<boolean>
  /** Has the key that an object names in the ring, if it can be had: from its wrapped form, by an attested Decrypt. */
  unlock(object: Uint8Array): Promise<void>
  /** Wipes the keys that nothing has asked for since the last call. What asks later has them unwrapped again. */
  wipeIdle(): void
}

interface Version {
  readonly id: KeyId
  readonly version: string
  readonly wrapped: HostBytes
}

/**
 * Unwraps AWSCURRENT. Every key that ever seals is first stored in its wrapped form, under its own id, so that what it
 * sealed opens long after Secrets Manager has forgotten it.
 */
export async function openKeys(
  unwrapping: Unwrapping,
  copies: Copies,
  { alarms, log }: { readonly alarms: Alarms; readonly log: Log },
): Promise<Keys> {
  const { secrets, config } = unwrapping
  const secretId = config.dek_secret
  const ring = createRing()
  const turn = createTurn()
  const versions = new Map<string, KeyId>()
  /** Keys that sealed and were replaced. */
  const retired = new Set<KeyId>()
  /** Keys that cannot be had: nobody makes us ask KMS for the same one again and again. */
  const unusable = new Set<KeyId>()
  /** Keys that something asked for since the last look. */
  const asked = new Set<KeyId>()
  let sealing: KeyId | undefined

  async function add(wrapped: HostBytes, source: string): Promise<Wrapped> {
    const unwrapped = await openWrapped(unwrapping, wrapped, 'dek', source)
    ring.add(unwrapped.wrapped, unwrapped.key)
    return unwrapped.wrapped
  }

  async function adopt(id: KeyId, wrapped: Wrapped): Promise<void> {
    await store(copies, id, wrapped)
    ring.sealWith(id)
    if (sealing === id) return
    if (sealing !== undefined) retired.add(sealing)
    sealing = id
    log('info', 'key.adopted', { key: id })
  }

  /** Whether AWSCURRENT may seal; if not, an alarm is raised. */
  function admit({ id, version }: Version): boolean {
    const before = versions.get(version) ?? id
    versions.set(version, before)
    if (before === id && !retired.has(id)) return true
    alarms.raise(before === id ? rolledBack(secretId, id, sealing) : exchanged(secretId, version, before, id))
    return false
  }

  async function fetch(): Promise<Version> {
    const { version, wrapped } = await fetchCurrent(secrets, secretId)
    return { id: keyIdOf(wrapped), version, wrapped }
  }

  const first = await fetch()
  const firstWrapped = await add(first.wrapped, secretId)
  const previous = await secrets.fetch(secretId, 'AWSPREVIOUS')
  const previousId = previous === undefined ? undefined : keyIdOf(previous.wrapped)

  async function findWrapped(id: KeyId): Promise<HostBytes | undefined> {
    const name = nameOf(id)
    if (id === previousId) return previous?.wrapped
    const kept = await copies.parent.get(name)
    if (kept !== undefined && keyIdOf(kept) === id) return kept
    if (kept !== undefined) alarms.raise(swapped(name, keyIdOf(kept)))
    const archived = await copies.s3?.get(name)
    return archived !== undefined && keyIdOf(archived) === id ? archived : undefined
  }

  async function restore(id: KeyId): Promise<void> {
    if (ring.ids().includes(id) || unusable.has(id)) return
    const wrapped = await findWrapped(id)
    try {
      if (wrapped === undefined) unusable.add(id)
      else await store(copies, id, await add(wrapped, nameOf(id)))
    } catch (error) {
      // Whoever can write to the host's disk can leave anything there; KMS says that it is no key of ours.
      if (!(error instanceof KmsError) || error.code !== 'foreign') throw error
      unusable.add(id)
    }
    log('info', unusable.has(id) ? 'key.unusable' : 'key.restored', { key: id })
  }

  return {
    ring,
    async begin(history) {
      const newest = history.at(-1)
      for (const id of history) if (id !== newest) retired.add(id)
      if (previousId !== undefined && previousId !== newest && previousId !== first.id) retired.add(previousId)
      sealing = newest
      if (newest !== undefined) ring.sealWith(newest)
      if (admit(first)) await adopt(first.id, firstWrapped)
      ring.digestWith(history[0] ?? first.id)
      return sealing !== newest
    },
    async refresh() {
      const current = await fetch()
      if (!admit(current) || current.id === sealing) return false
      await adopt(current.id, await add(current.wrapped, secretId))
      return true
    },
    async unlock(object) {
      const id = keyNamedBy(object)
      if (id === undefined) return
      await turn(() => restore(id))
      asked.add(id)
    },
    wipeIdle() {
      for (const id of ring.ids()) {
        if (id === sealing || asked.has(id)) continue
        ring.drop(id)
        log('info', 'key.wiped', { key: id })
      }
      asked.clear()
    },
  }
}

const exchanged = (secretId: string, version: string, before: KeyId, id: KeyId): Alarm => ({
  code: 'KeyTampered',
  id: `${version}-${id}`,
  reason: `version ${version} of ${secretId} held key ${before} and now holds ${id}, and versions do not change: it is not used; put a new version, and find out who could write this one`,
})

const rolledBack = (secretId: string, id: KeyId, sealing: KeyId | undefined): Alarm => ({
  code: 'KeyRolledBack',
  id: `${id}-${sealing}`,
  reason: `AWSCURRENT of ${secretId} is key ${id} again, which was replaced before: ${sealing} goes on sealing; to change the key, put a new one as a new version`,
})

const swapped = (name: string, found: KeyId): Alarm => ({
  code: 'KeyTampered',
  id: `${name}-${found}`,
  reason: `what the host keeps as ${name} is something else: it is not used; look at the host`,
})

/** Its name is its digest, so in the host's store whatever else stands there is wrong. S3 keeps what it has. */
async function store(copies: Copies, id: KeyId, wrapped: Wrapped): Promise<void> {
  await copies.parent.replace(nameOf(id), wrapped)
  if (copies.s3 !== undefined) await createIn(copies.s3, nameOf(id), wrapped)
}

function keyNamedBy(object: Uint8Array): KeyId | undefined {
  try {
    return sealedWith(object)
  } catch (error) {
    if (error instanceof SealingError) return undefined
    throw error
  }
}
