import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createCa } from '../../local/aws/ca.ts'
import { buildAddon } from '../vsock/addon.ts'
import { END, MARK, type Outcome } from './inside/reporter.ts'

/** What the console said, kept for people. */
export const LOG = join(import.meta.dirname, 'last.log')

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/guest')
const TIMEOUT_MS = 240_000
const MEMORY_MB = 1024

/** What must be installed, and where it comes from. */
const NEEDED = {
  'qemu-system-x86_64': 'qemu-system-x86',
  cc: 'gcc libc6-dev',
}
/** What is only downloaded and unpacked: a kernel with its modules, and the guest's shell. */
const KERNEL = 'linux-image-cloud-amd64'
const SHELL = 'busybox-static'
const MODULES = ['vsock', 'vmw_vsock_virtio_transport_common', 'vsock_loopback']
/** Packages that the tests inside import, directly. */
const IMPORTED = ['cbor-x', 'pino', 'valibot', 'yaml']
const FOLDERS = ['enclave', 'parent-proxy', 'vsock', 'test/guest']

export interface Run {
  readonly outcomes: readonly Outcome[]
  /** Whether the guest got to the end of its tests, rather than stop somewhere. */
  readonly ended: boolean
}

/** Boots a Debian kernel in software emulation, runs the tests inside, and says what became of each. */
export async function runGuest(): Promise<Run> {
  requireTools()
  const packages = fetchPackages()
  const scratch = mkdtempSync(join(tmpdir(), 'driftseal-guest-'))
  try {
    const image = await buildImage(scratch, packages)
    return await boot(find(packages, 'boot/vmlinuz-*'), image)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function requireTools(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync('/usr/bin/apt-get'))
    throw new Error('the guest test runs on Debian on x86-64: its kernel is a Debian package')
  const paths = (process.env['PATH'] ?? '').split(':')
  const missing = Object.entries(NEEDED).filter(([tool]) => !paths.some((path) => existsSync(join(path, tool))))
  if (missing.length === 0) return
  const [tools, names] = [missing.map(([tool]) => tool), missing.map(([, name]) => name)]
  throw new Error(
    `the guest test needs ${tools.join(', ')}: apt-get install --no-install-recommends ${names.join(' ')}`,
  )
}

/** Downloads what is not in the cache; nothing is installed. */
function fetchPackages(): string {
  if (existsSync(CACHE)) return CACHE
  const partial = `${CACHE}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const run = (command: string, ...args: string[]) => {
    try {
      return execFileSync(command, args, { cwd: partial, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (cause) {
      throw new Error(`no kernel for the guest: "${command} ${args.join(' ')}" failed; run apt-get update first`, {
        cause,
      })
    }
  }
  const kernel = /^\s*Depends: (linux-image-\S+)$/m.exec(run('apt-cache', 'depends', KERNEL))?.[1]
  if (kernel === undefined) throw new Error(`apt knows no ${KERNEL}; run apt-get update first`)
  process.stderr.write(`guest: downloading ${kernel} and ${SHELL} into ${CACHE}\n`)
  run('apt-get', 'download', kernel, SHELL)
  for (const file of globSync('*.deb', { cwd: partial })) run('dpkg-deb', '-x', file, '.')
  execFileSync('mv', [partial, CACHE])
  return CACHE
}

/** The initial RAM disk, which is all the disk that there is. Not compressed: to unpack it would take the guest longer. */
async function buildImage(scratch: string, packages: string): Promise<string> {
  const root = join(scratch, 'root')
  const put = (from: string, to: string) => cpSync(from, join(root, to), { recursive: true, dereference: true })
  for (const folder of ['proc', 'sys', 'dev', 'tmp', 'app']) mkdirSync(join(root, folder), { recursive: true })
  const busybox = find(packages, '{usr/bin,bin}/busybox')
  put(busybox, 'bin/busybox')
  put(join(import.meta.dirname, 'init'), 'init')
  for (const module of MODULES) put(find(packages, `**/${module}.ko`), `modules/${module}.ko`)

  put(process.execPath, 'bin/node')
  for (const [, library = ''] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(
    /(\/\S+) \(0x/g,
  ))
    put(library, library)
  for (const folder of FOLDERS) put(join(ROOT, folder), `app/${folder}`)
  put(join(ROOT, 'package.json'), 'app/package.json')
  for (const name of dependencies(IMPORTED)) put(join(ROOT, 'node_modules', name), `app/node_modules/${name}`)
  const addon = join(root, 'app/vsock/native/build/Release/vsock.node')
  mkdirSync(dirname(addon), { recursive: true })
  buildAddon(addon, '-O2')
  const ca = await createCa(new Date())
  const server = await ca.issue(['upstream.example.com', 'enclave.example.com'])
  writeFileSync(join(root, 'app/tls.json'), JSON.stringify({ ca: ca.pem, ...server }))

  const image = join(scratch, 'guest.cpio')
  execFileSync('sh', ['-c', `chmod 755 init && find . | "${busybox}" cpio -o -H newc > "${image}"`], {
    cwd: root,
    stdio: 'ignore',
  })
  return image
}

function dependencies(names: readonly string[], found = new Set<string>()): ReadonlySet<string> {
  for (const name of names) {
    if (found.has(name)) continue
    found.add(name)
    const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
    dependencies(Object.keys((JSON.parse(text) as { dependencies?: object }).dependencies ?? {}), found)
  }
  return found
}

function find(folder: string, pattern: string): string {
  const [file] = globSync(pattern, { cwd: folder })
  if (file === undefined) throw new Error(`no ${basename(pattern)} in ${folder}; delete that folder and run again`)
  return join(folder, file)
}

async function boot(kernel: string, image: string): Promise<Run> {
  const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', `${MEMORY_MB}M`]
  const devices = ['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot']
  const system = ['-kernel', kernel, '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1']
  const qemu = spawn('qemu-system-x86_64', [...machine, ...devices, ...system], { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => qemu.kill('SIGKILL'), TIMEOUT_MS)
  const log = createWriteStream(LOG)
  const outcomes: Outcome[] = []
  let ended = false
  qemu.stderr.pipe(log, { end: false })
  for await (const line of createInterface({ input: qemu.stdout })) {
    log.write(`${line}\n`)
    const at = line.indexOf(MARK)
    ended ||= line.startsWith(END)
    if (at >= 0) outcomes.push(JSON.parse(line.slice(at + MARK.length)) as Outcome) // inside/reporter.ts wrote it
  }
  clearTimeout(timer)
  log.end()
  return { outcomes, ended }
}
