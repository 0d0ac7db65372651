import { BlobError } from '../../enclave/adapters/blobs.ts'
import type { Blobs, HostBytes } from '../../enclave/ports.ts'

/** How a call fails: before it does anything, or after all is done, so that only its answer is lost. */
type Fault = 'before' | 'after' | undefined

export interface MemoryBlobs extends Blobs {
  /** What the host can read and write as it likes. */
  readonly objects: Map<string, HostBytes>
  /** Decides the fate of each call. */
  fault: (verb: keyof Blobs, name: string) => Fault
}

/** The parent's store, in memory. */
export function createMemoryBlobs(): MemoryBlobs {
  const objects = new Map<string, HostBytes>()
  const answer = async <T>(verb: keyof Blobs, name: string, work: () => T): Promise<T> => {
    const fault = blobs.fault(verb, name)
    if (fault === 'before') throw new BlobError('refused', 'not done')
    const result = work()
    if (fault === 'after') throw new BlobError('refused', 'done, and the answer lost')
    return result
  }
  const put = (name: string, object: Uint8Array) => void objects.set(name, hostBytes(object))
  const blobs: MemoryBlobs = {
    objects,
    fault: () => undefined,
    create: (name, object) =>
      answer('create', name, () => {
        if (objects.has(name)) return 'taken'
        put(name, object)
        return 'created'
      }),
    replace: (name, object) => answer('replace', name, () => put(name, object)),
    get: (name) => answer('get', name, () => objects.get(name)),
    list: (prefix) =>
      answer('list', prefix, () => [...objects.keys()].filter((name) => name.startsWith(prefix)).sort()),
  }
  return blobs
}

/** Bytes as they come from the host. */
export const hostBytes = (bytes: Uint8Array | string): HostBytes =>
  Buffer.from(bytes as Uint8Array) as Uint8Array as HostBytes

/** A copy with one bit of its last byte turned. */
export function flipped(bytes: Uint8Array): HostBytes {
  const copy = hostBytes(bytes)
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
  return copy
}
