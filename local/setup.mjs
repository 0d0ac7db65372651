// Brings a fresh clone to the point where everything else runs: installs what the lock file names, Node 26 included.
// Runs on whatever Node started npm (20 or later), so it is plain JavaScript and uses nothing but the standard library.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const mark = join(root, 'node_modules', '.driftseal-setup')

if (!existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
  const started = Date.now()
  process.stderr.write('setup: installing Node 26 and the dependencies from package-lock.json …\n')
  const npm = process.env.npm_execpath
  const args = ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error']
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (result.status !== 0) {
    process.stderr.write('setup: npm ci failed (see above). Check the network and the npm registry, then run again.\n')
    process.exit(1)
  }
  const version = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' })
  if (!version.stdout?.startsWith('v26.')) {
    process.stderr.write(
      `setup: no Node 26 came with the install (found ${version.stdout?.trim() || 'none'}); ` +
        `is ${process.platform}-${process.arch} among the optionalDependencies of package.json?\n`,
    )
    process.exit(1)
  }
  writeFileSync(mark, lock)
  process.stderr.write(
    `setup: done in ${((Date.now() - started) / 1000).toFixed(1)} s, Node ${version.stdout.trim()}\n`,
  )
}
