import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NODE_FLAGS } from '../../enclave/node_flags.ts'

const MAIN = join(import.meta.dirname, '../../enclave/main.ts')
const start = (flags: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [...flags, MAIN], { encoding: 'utf8', env })

describe('the enclave does not start', () => {
  it.each([
    ['with the inspector', ['--inspect=0', ...NODE_FLAGS], {}, /no other flag of Node/],
    ['while a signal would open the inspector', [], {}, /start it with --disable-sigusr1/],
    ['with a flag for heap snapshots', [...NODE_FLAGS, '--heapsnapshot-signal=SIGUSR2'], {}, /no other flag/],
    ['with NODE_OPTIONS', NODE_FLAGS, { NODE_OPTIONS: '--trace-warnings' }, /unset NODE_OPTIONS:/],
    ['without TLS', NODE_FLAGS, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /unset NODE_TLS_REJECT_UNAUTHORIZED:/],
    ['without its configuration', NODE_FLAGS, { NODE_VERSION: '26' }, /ENOENT.*\/etc\/driftseal\/config\.yaml/],
  ])('%s: one line, and exit code 1', (_, flags, env, line) => {
    const { status, stderr, stdout } = start(flags, env)
    const ours = stderr.split('\n').filter((text) => text.startsWith('driftseal: '))
    expect(ours).toEqual([expect.stringMatching(line)])
    expect(stdout).toBe('')
    expect(status).toBe(1)
  })
})
