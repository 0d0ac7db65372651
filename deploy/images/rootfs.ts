import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { buildAddon } from './addon.ts'
import { bundle } from './bundle.ts'
import { librariesOf } from './libraries.ts'
import { placeRules } from './rules.ts'
import { archive, manifestOf, settle } from './tree.ts'

/** What one image holds besides Node and the libraries: the rest of the file system is empty. */
interface Contents {
  readonly entry: string
  /** Under /app: programs find what is beside them by their own place, so it is the same as in the sources. */
  readonly program: string
  readonly addon?: string
  /** Where the rules go. */
  readonly rules?: string
  /** Where files end that differ from environment to environment; each has to be given. */
  readonly given: Readonly<Record<string, { readonly path: string; readonly runs?: true }>>
  /** Where something is mounted when it runs. */
  readonly folders?: readonly string[]
}

const NODE = '/usr/bin/node'

const IMAGES: Readonly<Record<string, Contents>> = {
  enclave: {
    entry: 'enclave/main.ts',
    program: '/app/enclave/main.js',
    addon: '/app/enclave/native/build/Release/vsock.node',
    rules: '/app/rules',
    given: { config: { path: '/etc/driftseal/config.yaml' } },
    // The enclave's init mounts its own there.
    folders: ['/dev', '/proc', '/run', '/sys', '/tmp', '/var'],
  },
  'parent-proxy': {
    entry: 'parent-proxy/main.ts',
    program: '/app/parent-proxy/main.js',
    addon: '/app/parent-proxy/native/build/Release/vsock.node',
    given: {},
    folders: ['/etc/driftseal', '/tmp', '/var/lib/driftseal/blobs'],
  },
  runner: {
    entry: 'deploy/runner/main.ts',
    program: '/app/runner/main.js',
    given: {
      eif: { path: '/app/driftseal.eif' },
      'nitro-cli': { path: '/usr/bin/nitro-cli', runs: true },
    },
    folders: ['/etc/driftseal', '/run/nitro_enclaves', '/tmp', '/var/log/nitro_enclaves'],
  },
}

/** Builds the root file system of an image in `<out>/rootfs`, with `<out>/rootfs.tar` and `<out>/manifest.txt` of it. */
async function build(image: string, out: string, given: ReadonlyMap<string, string>, sources: string): Promise<void> {
  const contents = IMAGES[image]
  if (contents === undefined) throw new Error(`no image "${image}"; there are ${Object.keys(IMAGES).join(', ')}`)
  const takes = Object.entries(contents.given).map(([name, { path }]): readonly [string, string] => {
    const file = given.get(name)
    if (file === undefined) throw new Error(`image "${image}" needs ${name}=<file>`)
    return [file, path]
  })
  const root = join(out, 'rootfs')
  rmSync(root, { recursive: true, force: true })
  const place = (path: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    return join(root, path)
  }

  // Byte for byte what package-lock.json pins, rather than a distribution's.
  const nodePackage = join(sources, `node_modules/node-${process.platform}-${process.arch}`)
  copyFileSync(join(nodePackage, 'bin/node'), place(NODE))
  await bundle({ entry: contents.entry, file: place(contents.program) }, sources)
  if (contents.addon !== undefined) buildAddon(sources, nodePackage, place(contents.addon))
  if (contents.rules !== undefined) placeRules(join(sources, 'rules'), join(root, contents.rules))
  for (const [file, path] of takes) copyFileSync(file, place(path))
  for (const folder of contents.folders ?? []) mkdirSync(join(root, folder), { recursive: true })

  const programs = [NODE, ...Object.values(contents.given).flatMap(({ path, runs }) => (runs ? [path] : []))]
  const linked = [...programs, ...(contents.addon === undefined ? [] : [contents.addon])]
  const libraries = librariesOf(linked.map((path) => join(root, path)))
  for (const library of libraries) copyFileSync(library, place(library))

  const runs = new Set([...programs, ...libraries]) // the loader is among them, and the kernel starts it
  settle(root, (path) => runs.has(path))
  archive(root, join(out, 'rootfs.tar'))
  writeFileSync(
    join(out, 'manifest.txt'),
    manifestOf(root, (path) => runs.has(path)),
  )
}

const [image = '', out, ...rest] = process.argv.slice(2)
try {
  const given = rest.map((argument) => argument.split('=', 2) as [string, string?])
  if (out === undefined || given.some(([, file]) => file === undefined))
    throw new Error('usage: node deploy/images/rootfs.ts <image> <folder> [<name>=<file>]…')
  await build(image, resolve(out), new Map(given as [string, string][]), join(import.meta.dirname, '../..'))
} catch (error) {
  process.stderr.write(`rootfs: ${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = 1
}
