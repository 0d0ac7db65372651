import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const template = readFileSync(new URL('../../infra/templates/node_userdata.sh.tpl', import.meta.url), 'utf8')
const profile = readFileSync(new URL('../../deploy/seccomp/driftseal.json', import.meta.url))

/** As templatefile does it: ${name} is a variable, $${ is the shell's own ${. */
function render(cpus: number, mib: number, sha256 = createHash('sha256').update(profile).digest('hex')): string {
  const values: Readonly<Record<string, string>> = {
    enclave_cpu_count: String(cpus),
    enclave_memory_mib: String(mib),
    seccomp_profile: gzipSync(profile).toString('base64'),
    seccomp_sha256: sha256,
  }
  return template
    .replaceAll(/(?<!\$)\$\{(\w+)\}/g, (_found, name: string) => values[name] ?? `<no ${name}>`)
    .replaceAll('$${', () => '${')
}

const scriptOf = (document: string): string => /^#!\/bin\/bash\n[\s\S]*?(?=\n--==)/m.exec(document)?.[0] ?? ''

/** The commands that would change this machine; each leaves a line of what it was told. */
const COMMANDS = {
  systemctl: '',
  shutdown: '',
  modprobe: '',
  sysctl:
    'n=${2#*=}; [ "$n" -le "$FREE_PAGES" ] || n=$FREE_PAGES; echo "$n" >"$ROOT/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"',
  install: 'mkdir -p "${@: -1}"',
}

let root: string

/** A machine in a folder: CPUs by their siblings, as two threads of a core are told on EC2. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'driftseal-node-'))
  put('proc/sys/vm/compact_memory', '')
  put('sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', '0\n')
  put('sys/module/nitro_enclaves/parameters/ne_cpus', '')
  for (const folder of ['run', 'var/log', 'dev', 'etc/systemd/system/nodeadm-run.service.d']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  symlinkSync('/dev/null', join(root, 'dev/nitro_enclaves')) // a character device
  put('dev/console', '')
  for (const [name, body] of Object.entries(COMMANDS)) {
    const path = put(`bin/${name}`, `#!/bin/bash\necho "${name} $*" >>"$ROOT/told"\n${body}\n`)
    chmodSync(path, 0o755)
  }
})
afterEach(() => rmSync(root, { recursive: true }))

function put(name: string, text: string): string {
  const path = join(root, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

const siblings = (cores: number, threads: number): string[] =>
  Array.from({ length: cores * threads }, (_, cpu) =>
    Array.from({ length: threads }, (_entry, thread) => (cpu % cores) + thread * cores).join(','),
  )

function boot(script: string, { cpus = siblings(2, 2), freePages = 4096 } = {}) {
  for (const [cpu, list] of cpus.entries()) {
    put(`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, `${list}\n`)
    mkdirSync(join(root, `sys/devices/system/node/node0/cpu${cpu}`), { recursive: true })
  }
  const inside = script.replaceAll(/(?<=[\s='">])\/(?=(sys|proc|etc|run|var|dev)\/)/g, `${root}/`)
  const { status } = spawnSync('bash', ['-c', inside], {
    env: { PATH: `${root}/bin:${process.env['PATH'] ?? ''}`, ROOT: root, FREE_PAGES: String(freePages) },
    timeout: 10_000,
  })
  const told = readFileSync(join(root, 'told'), 'utf8')
  return {
    status,
    joins: existsSync(join(root, 'run/driftseal-node-ready')),
    stops: told.includes('shutdown -h now'),
    pool: readFileSync(join(root, 'sys/module/nitro_enclaves/parameters/ne_cpus'), 'utf8').trim(),
  }
}

test('bash reads it, and so does an old mail reader', () => {
  const script = scriptOf(render(2, 2048))
  expect(script).toContain('readonly CPUS=2\n')
  execFileSync('bash', ['-n', '-c', script])
  expect(script).not.toContain('<no ')
  expect(template).toMatch(/^[\t\n\x20-\x7e]+$/)
  expect(render(2, 2048).length).toBeLessThan(16_384)
})

test.each([
  ['two of four', siblings(2, 2), 2, '1,3'],
  ['two of eight', siblings(4, 2), 2, '3,7'],
  ['six of eight', siblings(4, 2), 6, '3,7,2,6,1,5'],
  ['two of four with one thread a core', siblings(4, 1), 2, '3,2'],
  ['two of four, siblings side by side', ['0-1', '0-1', '2-3', '2-3'], 2, '2-3'],
])('sets CPUs aside: %s', (_name, cpus, count, pool) => {
  expect(boot(scriptOf(render(count, 2048)), { cpus })).toEqual({ status: 0, joins: true, stops: false, pool })
})

test('brings the seccomp profile as it is, and tells nodeadm to wait', () => {
  boot(scriptOf(render(2, 2048)))
  expect(readFileSync(join(root, 'var/lib/kubelet/seccomp/driftseal.json'))).toEqual(profile)
  expect(statSync(join(root, 'var/lib/driftseal/blobs')).isDirectory()).toBe(true)
  expect(readFileSync(join(root, 'etc/systemd/system/nodeadm-run.service.d/driftseal.conf'), 'utf8')).toBe(
    `[Unit]\nConditionPathExists=${root}/run/driftseal-node-ready\n`,
  )
})

describe('a node that cannot carry an enclave stays out and stops', () => {
  const refused = { status: 1, joins: false, stops: true }

  test('too little memory in one piece', () => {
    expect(boot(scriptOf(render(2, 2048)), { freePages: 1023 })).toMatchObject(refused)
  })
  test('no core beside the host’s own', () => {
    expect(boot(scriptOf(render(4, 2048)))).toMatchObject(refused)
  })
  test('no device: enclaves are off for this instance', () => {
    rmSync(join(root, 'dev/nitro_enclaves'))
    expect(boot(scriptOf(render(2, 2048)))).toMatchObject(refused)
  })
  test('a driver that takes no cores', () => {
    rmSync(join(root, 'sys/module/nitro_enclaves/parameters/ne_cpus'))
    symlinkSync('/dev/null', join(root, 'sys/module/nitro_enclaves/parameters/ne_cpus'))
    expect(boot(scriptOf(render(2, 2048)))).toMatchObject(refused)
  })
  test('a seccomp profile that is another', () => {
    expect(boot(scriptOf(render(2, 2048, '0'.repeat(64))))).toMatchObject(refused)
  })
  test('a command that fails', () => {
    put('bin/modprobe', '#!/bin/bash\nexit 1\n')
    expect(boot(scriptOf(render(2, 2048)))).toMatchObject(refused)
  })
})
