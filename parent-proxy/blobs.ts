import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Refusal } from './refusal.ts'

declare const blobName: unique symbol
/** A name that is one plain file of the store's directory. Minted by `parseBlobName` alone. */
export type BlobName = string & { readonly [blobName]: true }

/** The sealed form of the largest state that the enclave takes, with room to spare. */
export const MAX_BLOB_BYTES = 272 << 20
/** Names in one listing; `after` asks for the next ones. At full length they are 13 MB of JSON. */
const MAX_LISTED = 100_000

/** Begins with no dot, so it is neither `.` nor `..` nor one of our unfinished files; has no slash and no escapes. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/
const UNFINISHED = '.unfinished-'

export function parseBlobName(text: string): BlobName {
  if (!NAME.test(text))
    throw new Refusal('bad-name', 'a name is 1 to 128 of a-z 0-9 . _ - and begins with one of a-z 0-9')
  return text as BlobName // the one mint: NAME holds
}

/** Sealed bytes under opaque names. What a call has answered is on the disk; what it has not answered is whole or absent. */
export interface Blobs {
  /** `create` refuses a name that is taken, also when two writers come at once. */
  put(name: BlobName, body: AsyncIterable<Uint8Array>, mode: 'create' | 'replace'): Promise<void>
  get(name: BlobName): Promise<{ readonly size: number; readonly body: Readable }>
  remove(name: BlobName): Promise<void>
  /** In order, from the first name past `after`. */
  list(prefix: string, after: string): Promise<readonly string[]>
}

/** Opens the store in `directory`, of which it is the only user, and clears away what a killed process left unfinished. */
export async function openBlobs(directory: string): Promise<Blobs> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const file of await readdir(directory)) {
    if (file.startsWith(UNFINISHED)) await rm(join(directory, file), { force: true })
  }

  /** A new, changed or removed name survives a power cut only once its directory is synced. */
  async function syncNames(): Promise<void> {
    await using handle = await open(directory, 'r')
    await handle.sync()
  }

  return {
    async put(name, body, mode) {
      const unfinished = join(directory, `${UNFINISHED}${randomUUID()}`)
      try {
        await write(unfinished, body)
        if (mode === 'create') await link(unfinished, join(directory, name))
        else await rename(unfinished, join(directory, name))
        await syncNames()
      } catch (error) {
        throw refusalFor(error)
      } finally {
        await rm(unfinished, { force: true })
      }
    },

    async get(name) {
      const handle = await open(join(directory, name), 'r').catch((error: unknown) => {
        throw refusalFor(error)
      })
      const body = handle.createReadStream() // closes the handle when it ends or is destroyed
      try {
        return { size: (await handle.stat()).size, body }
      } catch (error) {
        body.destroy()
        throw error
      }
    },

    async remove(name) {
      await unlink(join(directory, name)).catch((error: unknown) => {
        throw refusalFor(error)
      })
      await syncNames()
    },

    async list(prefix, after) {
      const names = await readdir(directory)
      return names
        .filter((name) => NAME.test(name) && name.startsWith(prefix) && name > after)
        .sort()
        .slice(0, MAX_LISTED)
    },
  }
}

async function write(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(body)
  await file.sync()
}

const REFUSALS = new Map([
  ['EEXIST', new Refusal('taken', 'the name is taken')],
  ['ENOENT', new Refusal('not-found', 'there is no such blob')],
  ['ENOSPC', new Refusal('full', 'the disk has no room for the blob')],
  ['EDQUOT', new Refusal('full', 'the disk has no room for the blob')],
])

/** What the file system says, in the terms of who asked; anything else is a fault and stays one. */
function refusalFor(error: unknown): unknown {
  return REFUSALS.get((error as NodeJS.ErrnoException).code ?? '') ?? error
}
