import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { utimesSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { loadRules } from '../../enclave/adapters/rules.ts'
import { NODE_FLAGS } from '../../enclave/node_flags.ts'
import { ROOT, textOf } from './manifests.ts'

const SCRATCH = mkdtempSync(join(tmpdir(), 'driftseal-images-'))
const ON_LINUX = process.platform === 'linux'
/** What package-lock.json pins. */
const NODE = join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`)
/** No file of an image may be one of these, whatever folder it is in. */
const TOOLS = /\/(\w*sh|busybox|env|apt\S*|dpkg\S*|apk|dnf|yum|rpm|npm|npx|curl|wget|perl|python\S*)$/

interface Circumstances {
  readonly sources: string
  readonly umask: string
  readonly env: Readonly<Record<string, string>>
}

function build(
  image: string,
  name: string,
  { sources, umask, env }: Circumstances,
  ...given: readonly string[]
): string {
  const script = `umask ${umask}; exec "$0" "$@"`
  const command = [NODE, join(sources, 'deploy/images/rootfs.ts'), image, name, ...given]
  execFileSync('sh', ['-c', script, ...command], {
    cwd: SCRATCH,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: 'pipe',
  })
  return join(SCRATCH, name)
}

/** The same sources somewhere else, written at another time. */
function elsewhere(): string {
  const copy = join(SCRATCH, 'a checkout of somebody else')
  for (const name of ['deploy', 'enclave', 'package.json', 'rules', 'vsock'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  for (const file of globSync('**/*', { cwd: copy })) utimesSync(join(copy, file), 1_000_000_000, 1_000_000_000)
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  writeFileSync(join(copy, 'rules/left-behind.txt'), 'not a rule')
  return copy
}

const filesOf = (out: string): readonly string[] =>
  globSync('**/*', { cwd: join(out, 'rootfs') })
    .map((name) => `/${name}`)
    .filter((name) => !lstatSync(join(out, 'rootfs', name)).isDirectory())
    .sort()

afterAll(() => rmSync(SCRATCH, { recursive: true }))

describe.skipIf(!ON_LINUX)('the image of the enclave', () => {
  let one: string
  let other: string

  beforeAll(() => {
    const config = `config=${join(ROOT, 'deploy/config.yaml')}`
    const here = { sources: ROOT, umask: '022', env: { LC_ALL: 'C', TZ: 'UTC' } }
    one = build('enclave', 'one', here, config)
    const there = { sources: elsewhere(), umask: '077', env: { LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Kathmandu' } }
    other = build('enclave', 'other', there, config)
  })

  it('is the same from another folder, time, umask, language and time zone', () => {
    expect(readFileSync(join(other, 'manifest.txt'), 'utf8')).toBe(readFileSync(join(one, 'manifest.txt'), 'utf8'))
    expect(readFileSync(join(other, 'rootfs.tar')).equals(readFileSync(join(one, 'rootfs.tar')))).toBe(true)
  })

  it('is another with another configuration', () => {
    const config = join(SCRATCH, 'config.yaml')
    writeFileSync(config, `${textOf('deploy/config.yaml')}# one comment more\n`)
    const here = { sources: ROOT, umask: '022', env: {} }
    const changed = readFileSync(join(build('enclave', 'changed', here, `config=${config}`), 'manifest.txt'), 'utf8')
    const before = readFileSync(join(one, 'manifest.txt'), 'utf8').split('\n')
    expect(changed.split('\n').filter((line) => !before.includes(line))).toEqual([
      expect.stringMatching(/^[0-9a-f]{64} 644 \/etc\/driftseal\/config\.yaml$/),
    ])
  })

  it('holds the program, its addon, rules and configuration, Node and its libraries, and nothing else', () => {
    const rules = globSync('rules/**/*.{json,yaml}', { cwd: ROOT }).map(
      (file) => `/app/${file.replace(/^(rules\/(?:catalog|policies)\/.*)yaml$/, '$1json')}`,
    )
    const [libraries, rest] = [/^\/(usr\/)?lib(64)?\//, filesOf(one)].map((_, index, [pattern, files]) =>
      (files as readonly string[]).filter((file) => (pattern as RegExp).test(file) === (index === 0)),
    )
    expect(rest).toEqual(
      [
        '/app/enclave/main.js',
        '/app/enclave/native/build/Release/vsock.node',
        '/etc/driftseal/config.yaml',
        '/usr/bin/node',
        ...rules,
      ].sort(),
    )
    for (const file of libraries ?? []) expect(file).toMatch(/\.so(\.\d+)*$/)
  })

  it('has rules that load', async () => {
    const { catalog } = await loadRules(join(one, 'rootfs/app/rules'))
    expect(catalog.types.size).toBeGreaterThan(0)
  })

  it('has neither shell nor package manager, nor a file that changes who one is', () => {
    for (const file of filesOf(one)) {
      expect(file).not.toMatch(TOOLS)
      expect(statSync(join(one, 'rootfs', file)).mode & 0o7022).toBe(0) // setuid, setgid, sticky; writable by others
    }
  })

  it('has the Node that the lock file pins, byte for byte', () => {
    expect(readFileSync(join(one, 'rootfs/usr/bin/node')).equals(readFileSync(NODE))).toBe(true)
  })

  it('has every library that Node and the addon need', () => {
    const root = join(one, 'rootfs')
    const [loader = ''] = globSync('lib*/**/ld-linux-*', { cwd: root })
    const folders = globSync('lib*/**/', { cwd: root }).map((folder) => join(root, folder))
    const addon = join(root, 'app/enclave/native/build/Release/vsock.node')
    const script = 'console.log(Object.keys(require(process.argv[1])).includes("nsm"))'
    const args = [
      '--inhibit-cache',
      '--library-path',
      folders.join(':'),
      join(root, 'usr/bin/node'),
      '-e',
      script,
      addon,
    ]
    expect(execFileSync(join(root, loader), args, { env: {}, encoding: 'utf8' })).toBe('true\n')
  })

  it('is started with the flags that it insists on', () => {
    const started = ['/usr/bin/node', ...NODE_FLAGS, '/app/enclave/main.js'].map((word) => JSON.stringify(word))
    expect(textOf('Dockerfile.enclave')).toContain(`CMD [${started.join(', ')}]`)
  })

  // As far as it comes without an enclave, in which its configuration is at the root.
  it.each([
    ['looks for its measured configuration', NODE_FLAGS, {}, '/etc/driftseal/config.yaml'],
    ['refuses to start without its flag', [], {}, 'start it with --disable-sigusr1'],
    ['refuses an inspector', [...NODE_FLAGS, '--inspect=0'], {}, 'start it with --disable-sigusr1'],
    ['refuses options from the environment', NODE_FLAGS, { NODE_OPTIONS: '' }, 'unset NODE_OPTIONS'],
  ])('%s', (_, flags, env, message) => {
    const { status, stderr } = spawnSync(NODE, [...flags, join(one, 'rootfs/app/enclave/main.js')], {
      env,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toContain(message)
  })
})

describe.skipIf(!ON_LINUX)('the other images', () => {
  const here = { sources: ROOT, umask: '022', env: {} }

  it('the parent-proxy serves from its one file', async () => {
    const program = join(build('parent-proxy', 'parent', here), 'rootfs/app/parent-proxy/main.js')
    const folder = join(SCRATCH, 'serving')
    mkdirSync(folder, { recursive: true })
    const unix = (name: string) => `unix:${join(folder, name)}`
    const settings = {
      egress: { listen: unix('egress.sock'), allow: [] },
      services: { listen: unix('services.sock'), blobs: join(folder, 'blobs') },
      ingress: { listen: '127.0.0.1:0', enclave: unix('enclave.sock') },
    }
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
    const child = spawn(NODE, ['--disable-sigusr1', program, join(folder, 'settings.json')], { env: {} })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'close')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    expect(JSON.parse((await lines.next()).value ?? 'null')).toMatchObject({ code: 'ready' })
    const asked = request({ socketPath: join(folder, 'services.sock'), path: '/identity' }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    expect([answer.statusCode, await text(answer)]).toEqual([200, '{}\n'])
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('the runner has nitro-cli and the image file where it looks for them', () => {
    // Any program with libraries of its own stands for nitro-cli here.
    const out = build('runner', 'runner', here, `eif=${join(ROOT, 'package.json')}`, `nitro-cli=${NODE}`)
    expect(filesOf(out)).toEqual(
      expect.arrayContaining(['/app/driftseal.eif', '/app/runner/main.js', '/usr/bin/nitro-cli']),
    )
    const { status, stderr } = spawnSync(NODE, [join(out, 'rootfs/app/runner/main.js')], { env: {}, encoding: 'utf8' })
    expect([status, stderr]).toEqual([
      1,
      'runner: which settings? Usage: node runner/main.js <settings.yaml> [<nitro-cli>]\n',
    ])
  })

  it.each([
    ['an image that there is not', ['nginx', SCRATCH], 'no image "nginx"; there are enclave, parent-proxy, runner'],
    ['an image without what it needs', ['enclave', join(SCRATCH, 'none')], 'image "enclave" needs config=<file>'],
    ['no folder', ['enclave'], 'usage: '],
  ])('%s is refused', (_, args, message) => {
    const { status, stderr } = spawnSync(NODE, ['deploy/images/rootfs.ts', ...args], { cwd: ROOT, encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toContain(message)
  })
})
