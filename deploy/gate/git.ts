import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GateError } from './error.ts'

/** Files by their paths. */
export type Tree = ReadonlyMap<string, string>

export interface Changes {
  readonly commits: readonly { readonly id: string; readonly subject: string }[]
  readonly files: readonly { readonly status: string; readonly path: string }[]
}

export interface Git {
  run(...args: readonly string[]): Promise<string>
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 120_000
/** Whose signatures count for tags, in the form of ssh-keygen's allowed signers. */
const SIGNERS = '.allowed_signers'

const run = promisify(execFile)

export function gitIn(folder: string, env: Readonly<Record<string, string>> = {}): Git {
  return {
    async run(...args) {
      try {
        // Never a question to a person who is not there.
        const options = { cwd: folder, env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...env } }
        return (await run('git', args, { ...options, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS })).stdout
      } catch (error) {
        const { stderr = '' } = error as { stderr?: string } // of execFile's rejection
        const line = stderr.split('\n').find((one) => /^\s*(?:fatal|error|remote|!)/.test(one)) ?? 'no reason given'
        throw new GateError('ERR_GATE_COMMAND', `git ${args[0] ?? ''} failed: ${line}`, error)
      }
    },
  }
}

/** What the way from one commit to another brought. */
export async function changesBetween(git: Git, from: string, to: string): Promise<Changes> {
  const log = await git.run('log', '--format=%H %s', `${from}..${to}`)
  const names = await git.run('diff', '--name-status', '--no-renames', '-z', from, to)
  const fields = names.split('\0').slice(0, -1)
  return {
    commits: linesOf(log).map((line) => ({ id: line.slice(0, 40), subject: line.slice(41) })),
    files: fields.flatMap((status, index) => (index % 2 === 0 ? [{ status, path: fields[index + 1] ?? '' }] : [])),
  }
}

/** The files under a folder, or the one file, as a commit has them. */
export async function treeAt(git: Git, commit: string, path: string): Promise<Tree> {
  const names = (await git.run('ls-tree', '-r', '-z', '--name-only', commit, '--', path)).split('\0').slice(0, -1)
  const tree = new Map<string, string>()
  for (const name of names) tree.set(name, await git.run('show', `${commit}:${name}`))
  return tree
}

/**
 * The tag of a commit, and whether one of those signed it who were trusted at `trustedAt`: a list in the commit itself
 * would be the word of whoever made the commit.
 */
export async function tagOf(
  git: Git,
  commit: string,
  trustedAt: string | undefined,
): Promise<{ readonly name: string; readonly verified: boolean } | null> {
  const [name] = linesOf(await git.run('tag', '--points-at', commit))
  if (name === undefined) return null
  const signers = trustedAt === undefined ? undefined : (await treeAt(git, trustedAt, SIGNERS)).get(SIGNERS)
  return { name, verified: signers !== undefined && (await isSignedBy(git, name, signers)) }
}

async function isSignedBy(git: Git, tag: string, signers: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'driftseal-signers-'))
  try {
    const file = join(folder, 'signers')
    await writeFile(file, signers)
    await git.run('-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${file}`, 'verify-tag', tag)
    return true
  } catch (error) {
    if (error instanceof GateError) return false
    throw error
  } finally {
    await rm(folder, { recursive: true })
  }
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')
