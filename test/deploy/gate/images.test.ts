import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../manifests.ts'
import { folderOf } from '../../operator/folder.ts'
import { createRepository } from './repository.ts'
import { COMMIT, hex, imageOf, summaryOf } from './reports.ts'

/** A program of this name that writes down what it was called with, and answers by its arguments. */
const recording = (name: string, answers: string) =>
  `#!/usr/bin/env bash\necho "${name} $*" >>"$CALLS"\ncase "$*" in\n${answers}\nesac\n`
const REPOSITORIES = Object.fromEntries(
  ['enclave', 'runner', 'parent-proxy'].map((name) => [
    `REPOSITORY_${name.toUpperCase().replace('-', '_')}`,
    imageOf(name).split('@')[0] ?? '',
  ]),
)

/** Runs a script of the gate with programs that only say what they were asked. */
function run(script: string, cwd: string, env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const bin = folderOf({})
  const aws = [
    '  *get-login-password*) echo example-password ;;',
    '  *describe-images*) echo "sha256:$(printf %s "$4" | sha256sum | cut -d" " -f1)" ;;',
    '  *batch-get-image*) echo "{}" ;;',
  ].join('\n')
  for (const [name, answers] of [
    ['aws', aws],
    ['docker', '  login*) cat >/dev/null ;;'],
  ] as const)
    writeFileSync(join(bin, name), recording(name, answers), { mode: 0o755 })
  const { status, stdout, stderr } = spawnSync('bash', [join(ROOT, 'deploy/gate', script), ...args], {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      CALLS: join(bin, 'calls'),
      COMMIT,
      CODEBUILD_BUILD_NUMBER: '7',
      ...REPOSITORIES,
      ...env,
    },
  })
  const calls = readFileSync(join(bin, 'calls'), { encoding: 'utf8', flag: 'a+' })
  return { status, stdout, stderr, calls }
}

describe('push.sh', () => {
  it.each([
    ['dev-', undefined],
    ['release-1.2.0', 'v1.2.0'],
  ])('pushes under a tag of class %s, and names images by digest', (prefix, tag) => {
    const repository = createRepository()
    repository.commit({ a: '1' }, 'First')
    if (tag !== undefined) repository.git('tag', tag)
    const { status, stdout, calls } = run('push.sh', repository.folder, {})
    expect(status).toBe(0)
    const images = Object.entries({ enclave: 'ENCLAVE', runner: 'RUNNER', 'parent-proxy': 'PARENT_PROXY' })
    const repositoryName = (url: string) => url.slice(url.indexOf('/') + 1)
    expect(stdout.trim().split('\n')).toEqual(
      images.map(([name, variable]) => {
        const url = REPOSITORIES[`REPOSITORY_${variable}`] ?? ''
        return `${name} ${url}@sha256:${hex(repositoryName(url), 'sha256')}`
      }),
    )
    const pushed = Array.from(calls.matchAll(/^docker push (\S+):(\S+)$/gm), ([, , name = '']) => name)
    const expected = tag === undefined ? `dev-${COMMIT.slice(0, 12)}-7` : `${prefix}-7`
    expect(pushed).toEqual([expected, expected, expected])
    expect(calls).not.toContain('example-password')
  })
})

describe('mark_live.sh', () => {
  const mark = (images: Readonly<Record<string, string>>) => {
    const folder = folderOf({ 'summary.json': JSON.stringify(summaryOf({ images })) })
    return run('mark_live.sh', folder, {}, join(folder, 'summary.json'))
  }

  it('puts a second tag on what the report names', () => {
    const { status, stdout, calls } = mark(summaryOf().images)
    expect(status).toBe(0)
    expect(stdout).toContain(`live: ${imageOf('runner')}`)
    const tags = Array.from(
      calls.matchAll(/ecr put-image .*--image-tag (\S+) --image-digest (\S+)/g),
      ([, tag, digest]) => [tag, digest],
    )
    expect(tags).toEqual(
      ['enclave', 'runner', 'parent-proxy'].map((name) => [
        `live-${COMMIT.slice(0, 12)}-7`,
        imageOf(name).split('@')[1],
      ]),
    )
  })

  it('refuses an image from elsewhere', () => {
    const { status, stderr, calls } = mark({
      ...summaryOf().images,
      enclave: `example.com/enclave@sha256:${hex('x', 'sha256')}`,
    })
    expect(status).toBe(1)
    expect(stderr).toContain('is not from')
    expect(calls).not.toContain('put-image')
  })
})
