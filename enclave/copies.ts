import type { Archive, Blobs } from './ports.ts'
import type { Sealed, Wrapped } from './sealing/types.ts'

export class CopiesError extends Error {
  readonly code = 'ERR_NAME_TAKEN'
}

/** The places of what is written once and must last: the parent's store, and S3 if the configuration names a bucket. */
export interface Copies {
  readonly parent: Blobs
  readonly s3: Archive | undefined
}

/**
 * Stores an object in every copy. S3 comes last, so that it is never ahead: when the parent then has less, it is the
 * parent that lost something.
 */
export async function storeOnce(copies: Copies, name: string, object: Sealed<unknown> | Wrapped): Promise<void> {
  await createIn(copies.parent, name, object)
  if (copies.s3 !== undefined) await createIn(copies.s3, name, object)
}

/** A name that is taken may be ours, when an answer was lost on its way. Anything else is another writer, or the host. */
export async function createIn(copy: Archive, name: string, object: Sealed<unknown> | Wrapped): Promise<void> {
  if ((await copy.create(name, object)) === 'created') return
  const there = await copy.get(name)
  if (there === undefined || Buffer.compare(there, object) !== 0) {
    throw new CopiesError(`something else was stored as ${name}: does a second enclave write to the same place?`)
  }
}
