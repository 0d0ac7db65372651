import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GateError } from './error.ts'
import { gitIn, type Git } from './git.ts'
import type { Summary } from './summary.ts'

/** A change of files on a branch of its own. It is Git's alone: who merges and applies it is somebody else. */
export interface Proposal {
  readonly branch: string
  readonly title: string
  readonly body: string
  /** Each file with what makes of it. */
  readonly edits: ReadonlyMap<string, (text: string) => string>
}

/** By which name commits of the pipeline are known. */
const AUTHOR = ['-c', 'user.name=driftseal-gate', '-c', 'user.email=driftseal-gate@example.com']

/** Where a report is, which a later build finds by this line what is live. */
export const reportOf = ({ builder, source }: Summary): string => `builds/${builder.execution}/${source.commit}`

export function allowing(summary: Summary, edits: Proposal['edits']): Proposal {
  const { measurement, environment, source } = summary
  return {
    branch: `driftseal/allow-${environment}-${measurement.pcr0.slice(0, 16)}`,
    title: `Let ${environment} run the image of ${source.commit.slice(0, 12)}`,
    body: [
      'Approved at the gate. KMS releases keys to this image too, once this is applied.',
      '',
      ...trailers(summary),
    ].join('\n'),
    edits,
  }
}

export function retiring(summary: Summary, edits: Proposal['edits']): Proposal {
  const { measurement, environment, source } = summary
  return {
    branch: `driftseal/retire-before-${environment}-${measurement.pcr0.slice(0, 16)}`,
    title: `Let ${environment} run nothing but the image of ${source.commit.slice(0, 12)}`,
    body: [
      'Every node reports this image. KMS releases keys to no other, once this is applied.',
      '',
      ...trailers(summary),
    ].join('\n'),
    edits,
  }
}

const trailers = (summary: Summary): readonly string[] => [
  `PCR0: ${summary.measurement.pcr0}`,
  `PCR1: ${summary.measurement.pcr1}`,
  `PCR2: ${summary.measurement.pcr2}`,
  `Report: ${reportOf(summary)}`,
]

/** Commits the change on top of the base branch and pushes it. False where there is nothing to change. */
export async function push(git: Git, remote: string, base: string, proposal: Proposal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'driftseal-proposal-'))
  try {
    await git.run('fetch', '--no-tags', remote, base)
    // A work tree of its own: whoever runs this on a laptop keeps his.
    await git.run('worktree', 'add', '--detach', folder, 'FETCH_HEAD')
    const there = gitIn(folder)
    for (const [path, edit] of proposal.edits) await rewrite(join(folder, path), path, edit)
    if ((await there.run('status', '--porcelain')) === '') return false
    await there.run('add', '--all')
    await there.run(...AUTHOR, 'commit', '--message', proposal.title, '--message', proposal.body)
    const commit = (await there.run('rev-parse', 'HEAD')).trim()
    // Pushed by the caller's Git, which has the token; by force, since a second run proposes the same again.
    await git.run('push', '--force', remote, `${commit}:refs/heads/${proposal.branch}`)
    return true
  } finally {
    await git.run('worktree', 'remove', '--force', folder).catch(() => '')
    await rm(folder, { recursive: true, force: true })
  }
}

async function rewrite(file: string, path: string, edit: (text: string) => string): Promise<void> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new GateError('ERR_GATE_INPUT', `${path} is not in the repository: commit it, then promote again`, error)
  }
  await writeFile(file, edit(text))
}
