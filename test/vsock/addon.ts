import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const SOURCES = join(import.meta.dirname, '../../vsock/native')
/** Node's own headers, libuv's and OpenSSL's among them, come with its package. */
const HEADERS = join(dirname(process.execPath), '../include/node')
/** As in binding.gyp. */
const FLAGS = '-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fvisibility=hidden -fPIC -shared'.split(' ')

/** Builds the addon as node-gyp does, without node-gyp. */
export function buildAddon(output: string, ...flags: readonly string[]): string {
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'))
  execFileSync('cc', [...FLAGS, ...flags, '-I', HEADERS, ...sources, '-o', output], { cwd: SOURCES, stdio: 'pipe' })
  return output
}
