import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../images/bundle.ts'
import { zip } from './zip.ts'

/** What infra/rotation.tf calls `main.handler` of, in Lambda's own Node, which is older than ours. */
const NAME = 'main.mjs'
const TARGET = 'node22'

const [out] = process.argv.slice(2)
if (out === undefined) {
  process.stderr.write('usage: node deploy/rotation/package.ts <rotation.zip>\n')
  process.exit(1)
}
const folder = await mkdtemp(join(tmpdir(), 'rotation-'))
try {
  const file = join(folder, NAME)
  await bundle({ entry: 'deploy/rotation/main.ts', file, target: TARGET }, join(import.meta.dirname, '../..'))
  await writeFile(out, zip([{ name: NAME, bytes: await readFile(file) }]))
} finally {
  await rm(folder, { recursive: true })
}
