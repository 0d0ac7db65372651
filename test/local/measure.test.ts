import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { measure } from '../../local/measure.ts'
import { directory } from '../parent-proxy/sockets.ts'

const CONFIG = Buffer.from('environment: local')
const RULE = 'rules/catalog/aws/ecr.yaml'
const SOURCES = {
  'enclave/main.ts': 'main',
  'enclave/core/judge.ts': 'judge',
  [RULE]: 'rule',
  'vsock/index.ts': 'vsock',
  'package-lock.json': '{}',
}

/** A copy of the sources, in a folder of its own. */
async function sources() {
  const folder = await directory()
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(SOURCES)) await write(path, text)
  return {
    write,
    move: (from: string, to: string) => rename(join(folder, from), join(folder, to)),
    remove: (path: string) => rm(join(folder, path)),
    pcr0: (config: Uint8Array = CONFIG) => measure(config, folder),
  }
}

describe('the laptop’s PCR0', () => {
  it('is a register of SHA-384, and the same for the same sources wherever they are', async () => {
    const [one, other] = [await sources(), await sources()]
    expect(await one.pcr0()).toMatch(/^[0-9a-f]{96}$/)
    expect(await other.pcr0()).toBe(await one.pcr0())
  })

  it.each<[string, (tree: Awaited<ReturnType<typeof sources>>) => Promise<void>]>([
    ['a rule is changed', ({ write }) => write(RULE, 'rulE')],
    ['a rule is removed', ({ remove }) => remove(RULE)],
    ['a rule is added', ({ write }) => write('rules/falco/more.yaml', '')],
    ['a rule is renamed', ({ move }) => move(RULE, 'rules/catalog/aws/ecs.yaml')],
    ['code is changed', ({ write }) => write('enclave/core/judge.ts', 'judgE')],
    ['the transport is changed', ({ write }) => write('vsock/index.ts', '')],
    ['a dependency is changed', ({ write }) => write('package-lock.json', '{"a":1}')],
    [
      'bytes wander from one file into the next',
      async ({ write }) => {
        await write('enclave/core/judge.ts', 'judg')
        await write('enclave/main.ts', 'emain')
      },
    ],
    [
      'one file takes in the next, name and all',
      async ({ write, remove }) => {
        await write('enclave/core/judge.ts', 'judgeenclave/main.ts\0main')
        await remove('enclave/main.ts')
      },
    ],
  ])('is another when %s', async (_what, change) => {
    const tree = await sources()
    const before = await tree.pcr0()
    await change(tree)
    expect(await tree.pcr0()).not.toBe(before)
  })

  it('is another under another configuration, to the byte', async () => {
    const tree = await sources()
    expect(await tree.pcr0(Buffer.from('environment: local\n'))).not.toBe(await tree.pcr0())
  })

  it('does not speak of what is not in the image', async () => {
    const tree = await sources()
    const before = await tree.pcr0()
    await tree.write('local/demo.ts', 'demo')
    await tree.write('README.md', 'words')
    expect(await tree.pcr0()).toBe(before)
  })

  it('can be had of this very checkout', async () => {
    expect(await measure(CONFIG)).toMatch(/^[0-9a-f]{96}$/)
  })
})
