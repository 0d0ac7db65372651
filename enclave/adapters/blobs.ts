import * as v from 'valibot'
import type { Blobs, HostBytes } from '../ports.ts'
import type { Parent } from './parent.ts'

export class BlobError extends Error {
  readonly code: 'refused' | 'malformed' | 'too-large'
  constructor(code: BlobError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** A state of the greatest size, sealed. */
const MAX_STATE = 272 << 20
const STATE_PREFIX = 'state-'
/** Anything else. The ledger is read many entries at a time, and the parent may make each of them as large as this. */
const MAX_OBJECT = 8 << 20
const MAX_PAGE = 16 << 20
/** Names in one listing, over all its pages: a ledger of that many entries is beyond what one enclave reads. */
const MAX_NAMES = 2_000_000
const MAX_ANSWER = 4096

const OK = 200
const STORED = 204
const NOT_FOUND = 404
const TAKEN = 412

const listing = v.strictObject({ names: v.array(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,127}$/))) })

/** The parent's blob store. It may lie about everything; sealing and the ledger find out. */
export function openBlobs(parent: Parent): Blobs {
  const put = async (name: string, body: Uint8Array, createOnly: boolean): Promise<number> => {
    if (body.length > limitOf(name))
      throw new BlobError('too-large', `${name} would be over ${limitOf(name)} bytes, and could not be read again`)
    const { status } = await parent('PUT', `/blobs/${name}`, { limit: MAX_ANSWER, body, createOnly })
    if (status === STORED || (createOnly && status === TAKEN)) return status
    throw new BlobError('refused', `the parent answered ${status} to storing ${name}`)
  }
  return {
    create: async (name, object) => ((await put(name, object, true)) === TAKEN ? 'taken' : 'created'),
    async replace(name, object): Promise<void> {
      await put(name, object, false)
    },
    async get(name): Promise<HostBytes | undefined> {
      const { status, body } = await parent('GET', `/blobs/${name}`, { limit: limitOf(name) })
      if (status === NOT_FOUND) return undefined
      if (status !== OK) throw new BlobError('refused', `the parent answered ${status} to reading ${name}`)
      return body
    },
    async list(prefix): Promise<readonly string[]> {
      const names: string[] = []
      for (;;) {
        const query = new URLSearchParams({ prefix, after: names.at(-1) ?? '' })
        const { status, body } = await parent('GET', `/blobs?${query.toString()}`, { limit: MAX_PAGE })
        if (status !== OK) throw new BlobError('refused', `the parent answered ${status} to listing ${prefix}`)
        const page = parsePage(body, prefix, names.at(-1) ?? '')
        if (page.length === 0) return names
        if (names.length + page.length > MAX_NAMES) throw new BlobError('malformed', `more than ${MAX_NAMES} names`)
        for (const name of page) names.push(name) // a page may be longer than a call has room for arguments
      }
    },
  }
}

const limitOf = (name: string): number => (name.startsWith(STATE_PREFIX) ? MAX_STATE : MAX_OBJECT)

/** One page of a listing: every name begins with the prefix and comes after the one before, so that pages must end. */
function parsePage(body: HostBytes, prefix: string, after: string): readonly string[] {
  let names: readonly string[]
  try {
    names = v.parse(listing, JSON.parse(Buffer.from(body).toString('utf8'))).names
  } catch {
    throw new BlobError('malformed', 'the parent sent a listing that is not one')
  }
  let last = after
  for (const name of names) {
    if (!name.startsWith(prefix) || name <= last)
      throw new BlobError('malformed', 'the parent sent a listing out of order')
    last = name
  }
  return names
}
