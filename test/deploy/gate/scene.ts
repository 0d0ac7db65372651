import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Run } from '../../../deploy/gate/summarise.ts'
import { EXPECTED, hex, imageOf, LIVE, policyOf, summaryOf } from './reports.ts'
import { createRepository } from './repository.ts'

const rule = (priority: string) => `- rule: r\n  condition: evt.name = "A"\n  priority: ${priority}\n`
const sources = {
  'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/a': { version: '1.0.0' } } }),
  'Dockerfile.enclave': `ARG BASE=example.com/node@sha256:${hex('base', 'sha256')}\nFROM \${BASE}\n`,
  'deploy/Dockerfile.runner': `ARG NITRO_BASE=example.com/al@sha256:${hex('al', 'sha256')}\nFROM \${NITRO_BASE}\n`,
  'deploy/config.yaml': 'environment: production\nregion: eu-west-1\n',
  'deploy/overlays/production/kustomization.yaml': ['runner', 'parent-proxy']
    .map((name) => `  - name: ${name}\n    newName: x\n    digest: sha256:x # none\n`)
    .reduce((text, entry) => text + entry, 'images:\n'),
  'enclave/main.ts': "import a from 'a'\nexport default a\n",
  // What a checkout of CodeBuild's has besides the sources.
  '.gitignore': 'node_modules\ndeploy/gate\n',
  'infra/release.auto.tfvars.json': JSON.stringify({ enclave_pcr0_allow_list: [LIVE] }),
  'rules/falco/r.yaml': rule('error'),
}
export const manifest = `${hex('libc', 'sha256')} 755 /lib/libc.so.6\n${hex('main', 'sha256')} 644 /app/enclave/main.js\n`
export const tests = { numTotalTests: 4, numPassedTests: 3, numFailedTests: 0 }
const builds = (over: Readonly<Record<string, string>> = {}) => {
  const shared = { 'manifest.txt': manifest, 'tests.json': JSON.stringify(tests) }
  const { measurement, second } = summaryOf()
  return {
    'first/pcr-values.json': JSON.stringify(measurement),
    'first/images.txt': ['enclave', 'runner', 'parent-proxy'].map((name) => `${name} ${imageOf(name)}\n`).join(''),
    'first/toolchain.txt': 'node v26.10.0\nnitro-cli aws-nitro-enclaves-cli 1.5.0\n',
    ...Object.fromEntries(Object.entries(shared).map(([name, text]) => [`first/${name}`, text])),
    'second/pcr-values.json': JSON.stringify(second),
    ...Object.fromEntries(Object.entries(shared).map(([name, text]) => [`second/${name}`, text])),
    ...over,
  }
}

/** A repository in which a live commit is followed by one that softens a rule, and what two builders measured of it. */
export function scene(over: Readonly<Record<string, string>> = {}) {
  const repository = createRepository()
  const live = repository.commit(sources, 'Live')
  const changed = {
    'rules/falco/r.yaml': rule('notice'),
    'deploy/config.yaml': 'environment: production\nregion: eu-west-2\n',
  }
  const commit = repository.commit(changed, 'Soften a rule')
  const root = join(repository.folder, '..')
  for (const [name, text] of Object.entries(builds(over))) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const modules = { 'a/package.json': '{"name":"a","main":"index.js"}', 'a/index.js': 'module.exports = 1' }
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(join(repository.folder, 'node_modules', name, '..'), { recursive: true })
    writeFileSync(join(repository.folder, 'node_modules', name), text)
  }
  const liveReport = summaryOf({
    measurement: { ...summaryOf().measurement, pcr0: LIVE },
    source: { repository: EXPECTED.repository, commit: live, tag: null },
  })
  const run: Run = {
    environment: 'production',
    builder: { id: EXPECTED.builder, execution: EXPECTED.execution },
    repository: EXPECTED.repository,
    commit,
    first: join(root, 'first'),
    second: join(root, 'second'),
    applied: [LIVE],
    tfvars: 'infra/release.auto.tfvars.json',
    policy: policyOf([LIVE]),
    live: liveReport,
  }
  return { repository, root, commit, live, run, liveReport }
}
