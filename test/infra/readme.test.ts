import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { renderReadme } from '../../infra/readme.ts'

const readme = await readFile(new URL('../../infra/README.md', import.meta.url), 'utf8')

test('the tables are those of variables.tf and outputs.tf (else: node infra/readme.ts)', async () => {
  expect(await renderReadme(readme)).toBe(readme)
})

test('a table that was edited by hand is put right', async () => {
  const edited = readme.replace(/^\| `vpc_cidr`.*\n/m, '')
  expect(edited).not.toBe(readme)
  expect(await renderReadme(edited)).toBe(readme)
})

test('a README without its markers is refused', async () => {
  await expect(renderReadme('# Infrastructure\n')).rejects.toThrow('<!-- inputs -->')
})
