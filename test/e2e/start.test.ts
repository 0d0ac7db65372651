import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let temporary: string

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'ds-'))
})
afterEach(() => rm(temporary, { recursive: true, force: true }))

/** As npm start runs it, but in a process group of its own, as a terminal's foreground job is. */
const start = (...args: readonly string[]) =>
  spawn(process.execPath, ['local/demo.ts', ...args], {
    cwd: root,
    detached: true,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** What differs from run to run is not compared. */
const normal = (output: string): string =>
  output
    .replaceAll(/\S*driftseal-\w+\/parent/g, 'FOLDER')
    .replaceAll(/\b[0-9a-f]{16,}\b/g, 'HEX')
    .replaceAll(/\d+/g, 'N')

/** The README shows a part of the output; no line of it may be another than the real one. */
async function linesOfReadme(): Promise<readonly string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const block = /```\n(Starting: [^]*?)```/.exec(readme)?.[1] ?? ''
  return normal(block)
    .split('\n')
    .filter((line) => line !== '')
}

describe('npm start', () => {
  it('--once tells the story, proves that the host saw nothing, and ends with 0', async () => {
    const child = start('--once')
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    expect(errors).toBe('')
    for (const phase of ['attested', 'unwrapped', 'state loaded', 'serving']) expect(output).toContain(`✓ ${phase}`)
    expect(output).toMatch(/DRIFT .*aws_ecr_repository\.checkout[^]*image_tag_mutability: "IMMUTABLE" -> "MUTABLE"/)
    expect(output).toMatch(/DRIFT .*aws_ecr_repository_policy\.checkout {2}deleted/)
    expect(output).toMatch(/EXPECTED .*module\.web\.aws_ecr_repository\.web/)
    expect(output).toMatch(/RESOLVED .*aws_ecr_repository\.checkout/)
    expect(output).toMatch(/found: none/)
    for (const line of await linesOfReadme()) expect(normal(output)).toContain(line)
    expect(code).toBe(0)
    expect(await readdir(temporary)).toEqual([])
  })

  it('runs until Ctrl-C, which ends every process and leaves nothing behind', async () => {
    const child = start()
    const closed = once(child, 'close')
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      output += String(chunk)
      if (output.includes('Running until Ctrl-C')) break
    }
    const group = child.pid ?? 0
    process.kill(-group, 'SIGINT') // a terminal sends it to the whole group
    expect(await closed).toEqual([0, null])
    expect(() => process.kill(-group, 0)).toThrow('ESRCH') // nobody is left in the group
    expect(await readdir(temporary)).toEqual([])
  })

  it('says what it takes', async () => {
    const child = start('--help')
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect(output).toContain('--once')
    expect(code).toBe(0)
  })
})
