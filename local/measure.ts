import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** What Dockerfile.enclave puts into the image, as far as a laptop has it. */
const MEASURED = ['enclave', 'rules', 'vsock', 'package-lock.json']

/**
 * The laptop's PCR0: the same construction as an image's (an all-zero register, extended once), over the sources that
 * would be built into the image. Change a rule or the configuration, and KMS keeps its key to itself.
 */
export async function measure(config: Uint8Array, root = ROOT): Promise<string> {
  const content = createHash('sha384')
  for (const path of (await Promise.all(MEASURED.map((name) => filesUnder(root, name)))).flat()) {
    const bytes = await readFile(join(root, path))
    content.update(`${path}\0${bytes.length}\0`).update(bytes)
  }
  content.update(`config\0${config.length}\0`).update(config)
  return createHash('sha384').update(Buffer.alloc(48)).update(content.digest()).digest('hex')
}

async function filesUnder(root: string, path: string): Promise<readonly string[]> {
  if (path.includes('.')) return [path]
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}
