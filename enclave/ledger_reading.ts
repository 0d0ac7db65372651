import { createIn, type Copies } from './copies.ts'
import type { Finding } from './core/finding.ts'
import type { Archive, HostBytes } from './ports.ts'
import { extend, GENESIS, type Anomaly, type Head, type Step } from './sealing/ledger.ts'
import type { KeyId } from './sealing/ring.ts'
import type { Sealed } from './sealing/types.ts'
import type { Vault } from './vault.ts'

export const ALERTS = { purpose: 'alert', stream: 'alerts' } as const
const PREFIX = 'alerts-'
const SEQUENCE_DIGITS = 12
const NAME = /^alerts-(\d{12})$/
/** Entries read ahead. */
const READ_AHEAD = 32

export const nameOf = (sequence: number): string => `${PREFIX}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`

/** What opened was sealed here: its shape is our own word. */
export const decode = (plaintext: Uint8Array): readonly Finding[] =>
  JSON.parse(Buffer.from(plaintext).toString()) as Finding[]

/** What the copies of the ledger amount to. */
export interface Reading {
  readonly head: Head
  readonly findings: readonly Finding[]
  /** The keys that sealed it, in the order of their first entries. */
  readonly keys: readonly KeyId[]
  /** What no copy could mend. */
  readonly anomalies: readonly Anomaly[]
  /** Places where nothing can be read. */
  readonly lost: ReadonlySet<number>
  /** Places that the parent had lost, or had otherwise than S3. */
  readonly repaired: readonly number[]
}

/** One copy, and the places that it lists. */
interface Copy {
  readonly store: Archive
  readonly places: ReadonlySet<number>
}

/**
 * Reads the parent's copy, and at each place where that proves nothing the one in S3. Then every copy is given what it
 * lacks and another has.
 *
 * A host that hid the newest entry while it was being stored has two genuine entries for one place: each fits what is
 * before it, and only the one that was gone on from fits what follows. S3 has that one, since it came after the parent.
 */
export async function readLedger(vault: Vault, copies: Copies): Promise<Reading> {
  const parent = await open(copies.parent)
  if (copies.s3 === undefined) return read(vault, [parent])
  const s3 = await open(copies.s3)
  const repaired = new Set<number>()
  const mend = async (place: Place): Promise<void> => {
    if (await mendPlace(place, copies.parent, s3)) repaired.add(place.sequence)
  }
  let reading = await read(vault, [parent, s3], mend)
  if (reading.anomalies.some(({ kind }) => kind === 'forked')) reading = await read(vault, [s3, parent], mend)
  return { ...reading, repaired: [...repaired] }
}

async function open(store: Archive): Promise<Copy> {
  const names = await store.list(PREFIX)
  return { store, places: new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number)) }
}

/** A place at which an entry proved genuine. */
interface Place {
  readonly sequence: number
  readonly entry: Sealed<readonly Finding[]>
  readonly from: Archive
}

async function read(
  vault: Vault,
  [first, second]: readonly [Copy, Copy?],
  mend?: (place: Place) => Promise<void>,
): Promise<Reading> {
  const findings: Finding[] = []
  const keys = new Set<KeyId>()
  const anomalies: Anomaly[] = []
  const lost = new Set<number>()
  let head: Head = GENESIS

  const judge = async (sequence: number, bytes: HostBytes | undefined): Promise<Step> => {
    if (bytes !== undefined) await vault.unlock(bytes)
    return extend(vault.ring, { ...ALERTS, environment: vault.environment }, head, { sequence, bytes })
  }
  const fetch = (copy: Copy, sequence: number): Promise<HostBytes | undefined> =>
    copy.places.has(sequence) ? copy.store.get(nameOf(sequence)) : Promise.resolve(undefined)

  const sequences = [...new Set([...first.places, ...(second?.places ?? [])])].sort((a, b) => a - b)
  for (let at = 0; at < sequences.length; at += READ_AHEAD) {
    const batch = sequences.slice(at, at + READ_AHEAD)
    const objects = await Promise.all(batch.map((sequence) => fetch(first, sequence)))
    for (const [index, sequence] of batch.entries()) {
      let found = { bytes: objects[index], from: first }
      let step = await judge(sequence, found.bytes)
      if (second !== undefined && !isSound(step)) {
        const other = { bytes: await fetch(second, sequence), from: second }
        const otherStep = await judge(sequence, other.bytes)
        if (weight(otherStep) > weight(step)) [found, step] = [other, otherStep]
      }
      head = step.head
      anomalies.push(...step.anomalies)
      if (step.opened === undefined || found.bytes === undefined) lost.add(sequence)
      else {
        findings.push(...decode(step.opened.plaintext))
        keys.add(step.opened.keyId)
        const entry = found.bytes as Uint8Array as Sealed<readonly Finding[]> // it opened: we sealed it
        await mend?.({ sequence, entry, from: found.from.store })
      }
    }
  }
  return { head, findings, keys: [...keys], anomalies, lost, repaired: [] }
}

const isSound = (step: Step): boolean => step.opened !== undefined && step.anomalies.length === 0
const weight = (step: Step): number => (isSound(step) ? 2 : step.opened === undefined ? 0 : 1)

/** Gives each copy what it lacks; true if the parent was wrong. Nothing in S3 is ever replaced. */
async function mendPlace({ sequence, entry, from }: Place, parent: Copies['parent'], s3: Copy): Promise<boolean> {
  const name = nameOf(sequence)
  if (from === parent) {
    if (!s3.places.has(sequence)) await createIn(s3.store, name, entry)
    return false
  }
  const kept = await parent.get(name)
  if (kept !== undefined && Buffer.compare(kept, entry) === 0) return false
  await parent.replace(name, entry)
  return true
}
