import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { folderOf } from '../../operator/folder.ts'

/** A Git repository of its own, and a bare one that it was cloned from. */
export interface Repository {
  readonly folder: string
  readonly remote: string
  git(...args: readonly string[]): string
  /** Commits files on the branch `main` of both; answers the commit. */
  commit(files: Readonly<Record<string, string>>, ...message: readonly string[]): string
}

/** Whatever the machine's own configuration says. */
const CLEAN = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
const PERSON = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.com']

export function createRepository(): Repository {
  const root = folderOf({})
  const [folder, remote] = [join(root, 'work'), join(root, 'remote.git')]
  const run = (cwd: string, ...args: readonly string[]) =>
    execFileSync('git', [...PERSON, ...args], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...CLEAN },
      stdio: 'pipe',
    })
  run(root, 'init', '--quiet', '--bare', '--initial-branch=main', remote)
  run(root, 'init', '--quiet', '--initial-branch=main', folder)
  run(folder, 'remote', 'add', 'origin', remote)
  const git: Repository['git'] = (...args) => run(folder, ...args)
  return {
    folder,
    remote,
    git,
    commit(files, ...message) {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true })
        writeFileSync(join(folder, name), content)
      }
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', ...message.flatMap((part) => ['--message', part]))
      git('push', '--quiet', 'origin', 'main')
      return git('rev-parse', 'HEAD').trim()
    },
  }
}
