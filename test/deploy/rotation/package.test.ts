import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { zip } from '../../../deploy/rotation/zip.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'rotation-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PACKAGE = join(import.meta.dirname, '../../../deploy/rotation/package.ts')
const pack = async (name: string): Promise<string> => {
  await run(process.execPath, [PACKAGE, join(folder, name)])
  return join(folder, name)
}

it('is the same each time, opens as a ZIP archive, and holds a handler that says what it lacks', async () => {
  const [one, two] = [await pack('one.zip'), await pack('two.zip')]
  expect(readFileSync(one).equals(readFileSync(two))).toBe(true)

  const unzip = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip()); z.extractall(sys.argv[2])'
  expect((await run('python3', ['-c', unzip, one, folder])).stdout.trim()).toBe('None')
  const start = run(process.execPath, [join(folder, 'main.mjs')], { env: {} })
  await expect(start).rejects.toThrow('KMS_KEY_ARN is not set: see infra/rotation.tf')
})

it('keeps names, bytes and modes of several files', async () => {
  const file = join(folder, 'several.zip')
  writeFileSync(
    file,
    zip([
      { name: 'a.txt', bytes: Buffer.from('one') },
      { name: 'b/c.txt', bytes: Buffer.alloc(0) },
    ]),
  )
  const list =
    'import sys, zipfile; print([(i.filename, oct(i.external_attr >> 16), z.read(i)) for z in [zipfile.ZipFile(sys.argv[1])] for i in z.infolist()])'
  expect((await run('python3', ['-c', list, file])).stdout.trim()).toBe(
    "[('a.txt', '0o100644', b'one'), ('b/c.txt', '0o100644', b'')]",
  )
})
