import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { buildCommands } from '../../../deploy/gate/commands_build.ts'
import { releaseCommands } from '../../../deploy/gate/commands_release.ts'
import { reportCommands } from '../../../deploy/gate/commands_report.ts'
import { ROOT, textOf } from '../manifests.ts'
import { commandsOf, specOf } from './codebuild.ts'

const pipeline = textOf('infra/pipeline.tf')
const say = () => {}
const GATE = [...buildCommands(say), ...reportCommands(say), ...releaseCommands(say)]

/** What infra/pipeline.tf gives each project. */
function environmentOf(project: string): readonly string[] {
  const block = new RegExp(
    String.raw`^    ${project}\s+= (?:merge\(local\.repository_urls, )?\{([^}]*?)\}\)?$`,
    'm',
  ).exec(/^ {2}project_environment = \{\n([^]*?)\n {2}\}/m.exec(pipeline)?.[1] ?? '')
  const repositories = ['REPOSITORY_ENCLAVE', 'REPOSITORY_RUNNER', 'REPOSITORY_PARENT_PROXY']
  const own = Array.from((block?.[1] ?? '').matchAll(/\b([A-Z][A-Z0-9_]+)\s+=/g), ([, name = '']) => name)
  return [...own, ...(block?.[0].includes('repository_urls') ? repositories : [])]
}
const EVERY = ['ENVIRONMENT', 'ARTIFACTS_BUCKET', 'EXECUTION_ID', 'COMMIT']
const PROJECTS: Readonly<Record<string, { file: string; actions?: readonly string[]; inputs?: readonly string[] }>> = {
  build: { file: 'deploy/buildspec.yml' },
  rebuild: { file: 'deploy/buildspec.yml' },
  compare: { file: 'deploy/buildspec-compare.yml', inputs: ['build', 'rebuild'] },
  promote: { file: 'deploy/buildspec-promote.yml', actions: ['PCR0', 'CHANGE'], inputs: ['report', 'rollout'] },
  rollout: { file: 'deploy/buildspec-rollout.yml', actions: ['PCR0'], inputs: ['report'] },
}
const FILES = globSync('deploy/buildspec*.yml', { cwd: ROOT }).sort()
const scriptsOf = (file: string) =>
  commandsOf(file).flatMap((command) =>
    Array.from(command.matchAll(/\b(?:deploy|test|local)\/[\w/.-]+\.(?:sh|ts)\b/g), ([path]) => path),
  )

test('each buildspec belongs to a project, and the other way round', () => {
  expect(FILES).toEqual([...new Set(Object.values(PROJECTS).map(({ file }) => file))].sort())
  for (const [project, { file }] of Object.entries(PROJECTS))
    expect(pipeline).toMatch(new RegExp(`\\b${project}\\s+= \\{ buildspec = "${file}"`))
})

describe.each(FILES)('%s', (file) => {
  it('is a buildspec', () => {
    expect(() => specOf(file)).not.toThrow()
  })

  it('has commands that bash can read', () => {
    for (const command of commandsOf(file))
      expect(spawnSync('bash', ['-n'], { input: command, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it('calls what is there', () => {
    const called = [
      ...scriptsOf(file),
      ...Array.from(textOf(file).matchAll(/-f (\S*Dockerfile\.\S+)/g), ([, path = '']) => path),
    ]
    const missing = [...called, 'deploy/gate/main.ts'].filter((path) => !existsSync(join(ROOT, path)))
    expect(missing).toEqual([])
  })

  it('calls commands of the gate with the options that they have, and all that they need', () => {
    const calls = commandsOf(file).filter((command) => command.startsWith('$GATE '))
    expect(calls).not.toEqual([])
    for (const call of calls) {
      const given = call.match(/(?<= )--[\w-]+/g) ?? []
      const names = call.startsWith('$GATE "$CHANGE" ') ? ['allow', 'retire'] : [call.split(' ')[1]]
      for (const name of names) {
        const command = GATE.find((one) => one.name() === name)
        const options = command?.options ?? []
        const known = new Set(options.map(({ long }) => long ?? ''))
        // Handed over when CHANGE is retire.
        if (name === 'allow') known.add('--reported')
        expect(command?.name()).toBe(name)
        expect(given.filter((option) => !known.has(option))).toEqual([])
        const needed = options.filter(({ mandatory }) => mandatory).map(({ long }) => long)
        expect(given).toEqual(expect.arrayContaining(needed))
      }
    }
  })

  it('installs by the lock file, and runs nothing of the packages meanwhile', () => {
    const installs = commandsOf(file).filter(
      (command) => command.startsWith('npm ') && /\b(?:ci|install|i)\b/.test(command),
    )
    expect(installs).toEqual(['npm ci --ignore-scripts --no-fund --no-audit'])
  })
})

describe.each(Object.entries(PROJECTS))('the project %s', (project, { file, actions = [], inputs = [] }) => {
  const spec = specOf(file)
  const used = new Set(
    [...commandsOf(file), ...scriptsOf(file).map(textOf)].flatMap((command) =>
      Array.from(command.replaceAll(/\\\$/g, '').matchAll(/\$\{?([A-Z][A-Za-z0-9_]*)/g), ([, name = '']) => name),
    ),
  )
  const given = [...environmentOf(project), ...EVERY, ...actions]

  it('has every variable that it uses', () => {
    const scripts = [...commandsOf(file), ...scriptsOf(file).map(textOf)].join('\n')
    const made = Array.from(scripts.matchAll(/\b([A-Z][A-Z0-9_]+)=/g), ([, name = '']) => name)
    const codebuild = ['CODEBUILD_BUILD_NUMBER', ...inputs.map((input) => `CODEBUILD_SRC_DIR_${input}`)]
    const known = new Set([...given, ...Object.keys(spec.env.variables), ...made, ...codebuild])
    expect([...used].filter((name) => !known.has(name))).toEqual([])
  })

  it('uses every variable that it is given for itself', () => {
    const unused = environmentOf(project).filter((name) => !used.has(name))
    expect(environmentOf(project).length).toBeGreaterThan(0)
    expect(unused).toEqual([])
  })

  it('exports what later stages read of it', () => {
    const exported = spec.env['exported-variables'] ?? []
    const known = new Set([
      ...given,
      ...Array.from(textOf(file).matchAll(/\b([A-Z][A-Z0-9_]+)="\$\(/g), ([, name = '']) => name),
    ])
    expect(exported.filter((name) => !known.has(name))).toEqual([])
  })
})

test('stages read no variable that is not exported', () => {
  const read = Array.from(pipeline.matchAll(/#\{(Compare|Build|Rebuild)\.(\w+)\}/g), ([, stage = '', name = '']) => [
    stage,
    name,
  ])
  expect(read.length).toBeGreaterThan(0)
  for (const [stage = '', name] of read) {
    const file = PROJECTS[stage.toLowerCase()]?.file ?? ''
    expect(specOf(file).env['exported-variables']).toContain(name)
  }
})

test('the artifacts of a stage are those that the next takes', () => {
  const stage = (name: string) =>
    new RegExp(String.raw`name\s+= "${name}"[^]*?(?=\n {4}\}\n)`).exec(pipeline)?.[0] ?? ''
  expect(stage('ProposeRetiring')).toMatch(/input_artifacts = \["source", "report", "rollout"\]/)
  expect(pipeline).toMatch(/output_artifacts = \["rollout"\]/)
  expect(specOf('deploy/buildspec-rollout.yml').artifacts?.files).toEqual(['reported.json'])
})

test('nitro-cli is the one that the runner carries', () => {
  const [, version] = /^ARG NITRO_CLI_VERSION=(.*)$/m.exec(textOf('deploy/Dockerfile.runner')) ?? []
  expect(specOf('deploy/buildspec.yml').env.variables['NITRO_CLI_VERSION']).toBe(version)
})

test('the build has the parameters that the provenance is checked for', () => {
  const provenance = textOf('deploy/gate/provenance.ts')
  const build = textOf('deploy/buildspec.yml')
  for (const [parameter, said] of [
    ["dockerfile: 'Dockerfile.enclave'", '-f Dockerfile.enclave'],
    ["config: 'deploy/config.yaml'", 'CONFIG=deploy/config.yaml'],
    ['sourceDateEpoch: 0', "SOURCE_DATE_EPOCH: '0'"],
  ] as const) {
    expect(provenance).toContain(parameter)
    expect(build).toContain(said)
  }
  expect(build).not.toContain('--debug')
})

test.each(globSync('deploy/gate/*.sh', { cwd: ROOT }).sort())('%s stops at the first failure', (script) => {
  expect(textOf(script)).toMatch(/^#!\/usr\/bin\/env bash\n(?:#.*\n)+set -euo pipefail\n/)
  expect(spawnSync('bash', ['-n', join(ROOT, script)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})
