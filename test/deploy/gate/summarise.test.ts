import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitIn } from '../../../deploy/gate/git.ts'
import { signReport, verifyReport } from '../../../deploy/gate/provenance.ts'
import { parseSummary, type Summary } from '../../../deploy/gate/summary.ts'
import { summarise, type Run } from '../../../deploy/gate/summarise.ts'
import { createRepository } from './repository.ts'
import {
  EXPECTED,
  hex,
  imageOf,
  LIVE,
  NEW,
  OTHER,
  policyOf,
  PUBLIC_PEM,
  sign,
  signingKey,
  summaryOf,
} from './reports.ts'

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
  '.gitignore': 'node_modules\n',
  'infra/release.auto.tfvars.json': JSON.stringify({ enclave_pcr0_allow_list: [LIVE] }),
  'rules/falco/r.yaml': rule('error'),
}
const manifest = `${hex('libc', 'sha256')} 755 /lib/libc.so.6\n${hex('main', 'sha256')} 644 /app/enclave/main.js\n`
const tests = { numTotalTests: 4, numPassedTests: 3, numFailedTests: 0 }
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
function scene(over: Readonly<Record<string, string>> = {}) {
  const repository = createRepository()
  const live = repository.commit(sources, 'Live')
  const changed = {
    'rules/falco/r.yaml': rule('notice'),
    'deploy/config.yaml': 'environment: production\nregion: eu-west-2\n',
  }
  const commit = repository.commit(changed, 'Soften a rule')
  const root = join(repository.folder, '..')
  for (const [name, text] of Object.entries(builds(over))) {
    mkdirSync(join(root, name, '..'), { recursive: true })
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

async function summaryIn({ run, repository }: ReturnType<typeof scene>, over: Partial<Run> = {}): Promise<Summary> {
  const report = await summarise({ ...run, ...over }, gitIn(repository.folder), repository.folder)
  return parseSummary(Buffer.from(report['build-summary.json']).toString(), 'the report')
}

describe('the report of a run', () => {
  it('holds everything that a reviewer decides by, and warns of what he should find out first', async () => {
    const one = scene()
    const summary = await summaryIn(one)
    expect(summary).toMatchObject({
      source: { commit: one.commit, tag: null },
      live: { pcr0: LIVE, commit: one.live },
      changes: {
        commits: [{ id: one.commit, subject: 'Soften a rule' }],
        files: [
          { status: 'M', path: 'deploy/config.yaml' },
          { status: 'M', path: 'rules/falco/r.yaml' },
        ],
        rules: ['rules/falco/r.yaml: rule "r": priority error -> notice'],
        config: ['region: "eu-west-1" -> "eu-west-2"'],
      },
      measurement: { pcr0: NEW },
      second: { pcr0: NEW },
      bases: [`example.com/node@sha256:${hex('base', 'sha256')}`, `example.com/al@sha256:${hex('al', 'sha256')}`],
      toolchain: { node: 'v26.10.0', 'nitro-cli': 'aws-nitro-enclaves-cli 1.5.0' },
      sbom: { components: 2 },
      tests: { total: 4, passed: 3, failed: 0 },
      allowList: { applied: [LIVE], inRepository: [LIVE], proposed: [LIVE, NEW] },
      policy: { kind: 'diff' },
      warnings: [],
    })

    one.repository.git('tag', 'v1')
    const warnings: readonly (readonly [Partial<Run>, RegExp])[] = [
      [{}, /^The tag is not signed/],
      [{ live: undefined }, /No report of the live image/],
      [{ applied: [OTHER] }, /not the one that is applied/],
      [{ policy: policyOf([LIVE, OTHER]) }, /changed it by hand/],
      [{ applied: [NEW] }, /allowed already/],
    ]
    for (const [over, warning] of warnings) expect((await summaryIn(one, over)).warnings.join('\n')).toMatch(warning)
    expect((await summaryIn(one, { policy: undefined })).policy.kind).toBe('absent')
  })

  it('is not written of builds that differ, or without tests that passed', async () => {
    const one = scene()
    const refused: readonly (readonly [string, string, string])[] = [
      ['first/tests.json', JSON.stringify({ ...tests, numFailedTests: 1 }), 'ERR_GATE_INPUT'],
      ['first/tests.json', JSON.stringify({ ...tests, numPassedTests: 0 }), 'ERR_GATE_INPUT'],
      ['second/manifest.txt', manifest.replace(hex('libc', 'sha256'), hex('x', 'sha256')), 'ERR_GATE_MISMATCH'],
    ]
    for (const [file, text, code] of refused) {
      writeFileSync(join(one.root, file), text)
      await expect(summaryIn(one)).rejects.toMatchObject({ code })
    }
  })
})

describe('the commands that the pipeline runs', () => {
  const main = new URL('../../../deploy/gate/main.ts', import.meta.url).pathname
  let one: ReturnType<typeof scene>
  const env = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: '/dev/null' }
  const gate = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd: one.repository.folder,
      env,
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }

  it('lead from two builds to a proposal, and from a roll-out to a retirement', async () => {
    one = scene()
    const { root, commit, run, repository } = one
    const at = (name: string) => join(root, name)
    writeFileSync(at('policy.json'), policyOf([LIVE]))
    writeFileSync(at('live.json'), JSON.stringify(one.liveReport))

    expect(gate('compare', run.first, run.second)).toEqual({
      status: 0,
      stdout: `both builds: PCR0 ${NEW}\n`,
      stderr: '',
    })
    const who = [
      '--builder',
      EXPECTED.builder,
      '--execution',
      EXPECTED.execution,
      '--repository',
      EXPECTED.repository,
      '--commit',
      commit,
    ]
    const lists = [
      '--applied',
      JSON.stringify([LIVE]),
      '--tfvars',
      run.tfvars,
      '--policy',
      at('policy.json'),
      '--live',
      at('live.json'),
    ]
    const summary = gate(
      'summary',
      run.first,
      run.second,
      '--environment',
      'production',
      ...who,
      ...lists,
      '--out',
      at('report'),
    )
    expect(summary).toEqual({ status: 0, stdout: `PCR0 ${NEW}\n`, stderr: '' })

    // What `sign` does, with a key that is not in KMS.
    const read = (name: string) => readFileSync(join(at('report'), name))
    const report = {
      'build-summary.json': read('build-summary.json'),
      'build-summary.md': read('build-summary.md'),
      'sbom.cdx.json': read('sbom.cdx.json'),
    }
    const envelope = JSON.stringify(await signReport(report, sign))
    expect(verifyReport(report, envelope, signingKey.publicKey, { ...EXPECTED, commit }).measurement.pcr0).toBe(NEW)
    writeFileSync(at('report/provenance.dsse.json'), envelope)
    writeFileSync(at('signing.pem'), PUBLIC_PEM)
    expect(gate('verify', at('report'), '--key', at('signing.pem'), ...who)).toEqual({
      status: 0,
      stdout: `verified: PCR0 ${NEW}\n`,
      stderr: '',
    })

    const target = ['--repository', EXPECTED.repository, '--base', 'main', '--tfvars', run.tfvars]
    const wrong = gate('allow', at('report'), '--pcr0', OTHER, ...target)
    expect(wrong).toMatchObject({
      status: 1,
      stderr: 'gate: the report is of another image than the one that was approved\n',
    })
    const allow = gate('allow', at('report'), '--pcr0', NEW, ...target)
    expect(allow).toMatchObject({ status: 0, stderr: '' })
    const branch = `driftseal/allow-production-${NEW.slice(0, 16)}`
    expect(allow.stdout).toContain(`https://github.com/${EXPECTED.repository}/compare/main...${branch}`)
    const proposed = (file: string, from = branch) =>
      execFileSync('git', ['show', `${from}:${file}`], { cwd: repository.remote, encoding: 'utf8' })
    expect(JSON.parse(proposed(run.tfvars))).toEqual({ enclave_pcr0_allow_list: [LIVE, NEW] })
    expect(proposed('deploy/overlays/production/kustomization.yaml')).toContain(
      `digest: ${imageOf('runner').split('@')[1]} # none`,
    )

    execFileSync('git', ['update-ref', 'refs/heads/main', `refs/heads/${branch}`], { cwd: repository.remote })
    const reported = (...images: readonly string[]) => {
      writeFileSync(
        at('reported.json'),
        JSON.stringify(images.map((pcr0, index) => ({ node: `n${index}`, pod: `p${index}`, pcr0 }))),
      )
      return gate('retire', at('report'), '--pcr0', NEW, ...target, '--reported', at('reported.json'))
    }
    expect(reported(NEW, LIVE)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`a node still reports ${LIVE}`) as string,
    })
    expect(reported(NEW, NEW)).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(proposed(run.tfvars, `driftseal/retire-before-production-${NEW.slice(0, 16)}`))).toEqual({
      enclave_pcr0_allow_list: [NEW],
    })
  }, 30_000)

  it('say in one line what is wrong', () => {
    one = scene({ 'second/manifest.txt': manifest.replace(' 755', ' 644') })
    expect(gate('compare', one.run.first, one.run.second)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'gate: two builds of one commit differ:\n  /lib/libc.so.6: mode 755 and 644\n',
    })
  })
})
