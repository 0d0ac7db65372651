import { createHash } from 'node:crypto'
import { open, type Opened } from './envelope.ts'
import { SealingError } from './error.ts'
import { DIGEST_BYTES, type Header, type Stream } from './header.ts'
import type { Ring } from './ring.ts'
import type { Sealed } from './types.ts'

/** How far a stream has come. */
export interface Head {
  /** The highest place that is taken, be it by something that proved nothing. */
  readonly sequence: number
  /** SHA-256 of the newest object that proved genuine. */
  readonly digest: Uint8Array
  /** Whether that object holds the highest place. If not, nothing is known of what the next one ought to follow. */
  readonly linked: boolean
}

/** Before the first object, which has sequence 1. */
export const GENESIS: Head = { sequence: 0, digest: new Uint8Array(DIGEST_BYTES), linked: true }

/** What a store has under the name of a place in the stream. */
export interface Entry {
  readonly sequence: number
  /** Undefined: it lists the name and has nothing to give. */
  readonly bytes: Uint8Array | undefined
}

const FOREIGN = ['unknown-key', 'wrong-environment', 'wrong-purpose', 'wrong-stream'] as const

/** What a store shows that an honest one would not. */
export type Anomaly =
  | { readonly kind: 'missing'; readonly first: number; readonly last: number }
  /** A place that was already read: the listing repeats or reorders itself. */
  | { readonly kind: 'repeated'; readonly sequence: number }
  /** A genuine object of the stream, but that of place `genuine`. */
  | { readonly kind: 'renamed'; readonly sequence: number; readonly genuine: number }
  /** Sealed for something else, or with a key that the ring has not. */
  | { readonly kind: 'foreign'; readonly sequence: number; readonly code: (typeof FOREIGN)[number] }
  | { readonly kind: 'tampered'; readonly sequence: number }
  /** Genuine and in its place, but sealed after another predecessor: the history before it is not the one it continued. */
  | { readonly kind: 'forked'; readonly sequence: number }

export interface Step {
  readonly head: Head
  readonly anomalies: readonly Anomaly[]
  /** The object, when it is genuine and stands in its place. */
  readonly opened?: Opened
}

/** The header fields that chain the stream's next object to its head. */
export const next = (head: Head): Pick<Header, 'sequence' | 'predecessor'> => ({
  sequence: head.sequence + 1,
  predecessor: head.digest,
})

/** The head once `object`, sealed with `next(head)`, is stored. */
export const advance = (head: Head, object: Sealed<unknown>): Head => headAt(head.sequence + 1, object)

/**
 * Reads the store's next entry; entries come in the order of their sequence. Whatever the store did is told, not
 * thrown, and the ledger goes on with what can still be proved. A stream that merely ends early has no anomaly: only a
 * head that was kept elsewhere shows that.
 */
export function extend(ring: Ring, stream: Stream, head: Head, { sequence, bytes }: Entry): Step {
  if (sequence <= head.sequence) return { head, anomalies: [{ kind: 'repeated', sequence }] }
  const lastMissing = bytes === undefined ? sequence : sequence - 1
  const gap: Anomaly[] =
    lastMissing > head.sequence ? [{ kind: 'missing', first: head.sequence + 1, last: lastMissing }] : []
  const unproved = { ...head, sequence, linked: false }
  if (bytes === undefined) return { head: unproved, anomalies: gap }

  const judged = judge(ring, stream, sequence, bytes)
  if ('kind' in judged) return { head: unproved, anomalies: [...gap, judged] }

  const follows = Buffer.compare(judged.header.predecessor, head.digest) === 0
  const judgeable = head.linked && gap.length === 0
  const anomalies: Anomaly[] = judgeable && !follows ? [{ kind: 'forked', sequence }] : gap
  return { head: headAt(sequence, bytes), anomalies, opened: judged }
}

function judge(ring: Ring, stream: Stream, sequence: number, bytes: Uint8Array): Opened | Anomaly {
  try {
    const opened = open(ring, stream, bytes)
    const genuine = opened.header.sequence
    return genuine === sequence ? opened : { kind: 'renamed', sequence, genuine }
  } catch (error) {
    if (!(error instanceof SealingError)) throw error
    if (error.code === 'malformed' || error.code === 'tampered') return { kind: 'tampered', sequence }
    const code = FOREIGN.find((foreign) => foreign === error.code)
    if (code === undefined) throw error // the caller's mistake, not the object's fault
    return { kind: 'foreign', sequence, code }
  }
}

const headAt = (sequence: number, object: Uint8Array): Head => ({
  sequence,
  digest: createHash('sha256').update(object).digest(),
  linked: true,
})
