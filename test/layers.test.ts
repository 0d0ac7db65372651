import { spawnSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync, cpSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let house: string

// A house of its own with our lint rules, so that a bad import never stands in the real one.
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'driftseal-layers-'))
  cpSync(join(root, '.oxlintrc.json'), join(house, '.oxlintrc.json'))
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'))
})
afterAll(() => rmSync(house, { recursive: true, force: true }))

function lint(file: string, source: string): { status: number | null; output: string } {
  const path = join(house, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, source)
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/oxlint'),
    ['--deny-warnings', '-c', '.oxlintrc.json', file],
    { cwd: house, encoding: 'utf8' },
  )
  return { status, output: stdout + stderr }
}

const forbidden: readonly [file: string, specifier: string][] = [
  ['enclave/core/verdict.ts', 'node:fs'],
  ['enclave/core/verdict.ts', '../adapters/s3.ts'],
  ['enclave/core/verdict.ts', '../ports.ts'],
  ['enclave/core/verdict.ts', '../sealing/envelope.ts'],
  ['enclave/core/falco/fields.ts', '../../attestation/document.ts'],
  ['enclave/attestation/chain.ts', '../core/event.ts'],
  ['enclave/attestation/chain.ts', 'node:net'],
  ['enclave/sealing/ring.ts', '../attestation/document.ts'],
  ['enclave/sealing/ring.ts', 'node:fs/promises'],
  ['enclave/adapters/sqs.ts', '../run.ts'],
  ['enclave/adapters/nsm.ts', '../../local/nsm/device.ts'],
  ['enclave/boot.ts', '../local/stack.ts'],
  ['enclave/main.ts', '../parent-proxy/egress.ts'],
  ['parent-proxy/egress.ts', '../enclave/core/finding.ts'],
  ['parent-proxy/services.ts', '../local/stack.ts'],
  ['vsock/index.ts', '../parent-proxy/egress.ts'],
  ['deploy/gate/main.ts', '../../operator/inputs.ts'],
  ['operator/main.ts', '../local/stack.ts'],
  ['operator/main.ts', '../enclave/boot.ts'],
]

const allowed: readonly [file: string, specifier: string][] = [
  ['enclave/core/verdict.ts', './event.ts'],
  ['enclave/core/falco/fields.ts', '../event.ts'],
  ['enclave/attestation/chain.ts', 'node:crypto'],
  ['enclave/sealing/ring.ts', 'node:crypto'],
  ['enclave/adapters/sqs.ts', '../ports.ts'],
  ['enclave/boot.ts', './adapters/sqs.ts'],
  ['parent-proxy/egress.ts', '../vsock/index.ts'],
  ['operator/main.ts', '../enclave/core/finding.ts'],
  ['operator/gate.ts', '../deploy/gate/error.ts'],
  ['local/stack.ts', '../enclave/boot.ts'],
]

describe('the layer rules', () => {
  it.each(forbidden)('%s may not import %s', (file, specifier) => {
    const { status, output } = lint(file, `import { thing } from '${specifier}'\n\nexport const other = thing\n`)
    expect(output).toContain('no-restricted-imports')
    expect(status).toBe(1)
  })

  it.each(allowed)('%s may import %s', (file, specifier) => {
    const { output } = lint(file, `import { thing } from '${specifier}'\n\nexport const other = thing\n`)
    expect(output).not.toContain('no-restricted-imports')
  })

  it('core may not reach for the clock or the environment', () => {
    const { status, output } = lint('enclave/core/clock.ts', 'export const home = process.env\n')
    expect(output).toContain('no-restricted-globals')
    expect(status).toBe(1)
  })

  it('what is pure takes the time as an argument', () => {
    const { status, output } = lint('enclave/sealing/clock.ts', 'export const at = Date.now()\n')
    expect(output).toContain('no-restricted-properties')
    expect(status).toBe(1)
  })
})
