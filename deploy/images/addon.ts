import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

/** As in binding.gyp, whose only other product is a build folder. */
const FLAGS = '-std=c11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -fvisibility=hidden -fPIC -shared'.split(' ')

/** Compiles the addon against the headers that come with Node's own package. No debug information: that names folders. */
export function buildAddon(root: string, nodePackage: string, output: string): void {
  const folder = join(root, 'vsock/native')
  const sources = globSync('*.c', { cwd: folder }).sort()
  const headers = join(nodePackage, 'include/node')
  execFileSync('cc', [...FLAGS, '-I', headers, ...sources, '-o', output], { cwd: folder, stdio: ['ignore', 2, 2] })
}
