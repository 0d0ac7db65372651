import { createHash } from 'node:crypto'
import { chmodSync, lutimesSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { execFileSync } from 'node:child_process'

/** What is written and measured has no time of its own. */
const EPOCH = 0
const FOLDER_MODE = 0o755
const FILE_MODE = 0o644
const PROGRAM_MODE = 0o755

interface Entry {
  /** As it will be in the image. */
  readonly path: string
  readonly source: string
  readonly folder: boolean
}

/** Gives each file and folder the one mode and time that it has in every build, whatever the umask and the clock are. */
export function settle(root: string, isProgram: (path: string) => boolean): void {
  for (const { path, source, folder } of entriesOf(root).toReversed()) {
    chmodSync(source, folder ? FOLDER_MODE : isProgram(path) ? PROGRAM_MODE : FILE_MODE)
    lutimesSync(source, EPOCH, EPOCH)
  }
}

/** One line a file, `<sha256> <mode> <path>`, in the order of the paths' bytes. */
export function manifestOf(root: string, isProgram: (path: string) => boolean): string {
  const lines = entriesOf(root)
    .filter(({ folder }) => !folder)
    .map(({ path, source }) => {
      const mode = (isProgram(path) ? PROGRAM_MODE : FILE_MODE).toString(8)
      return `${createHash('sha256').update(readFileSync(source)).digest('hex')} ${mode} ${path}\n`
    })
  return lines.join('')
}

/** The tree as one archive, in which nothing is left to the machine that writes it. */
export function archive(root: string, output: string): void {
  const names = ['--format=ustar', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${EPOCH}`]
  execFileSync('tar', [...names, '-cf', output, '-C', root, '.'], { env: { LC_ALL: 'C', PATH: process.env['PATH'] } })
}

/** Folders before what is in them. */
function entriesOf(root: string): readonly Entry[] {
  const found = readdirSync(root, { recursive: true, withFileTypes: true }).map((entry): Entry => {
    const source = join(entry.parentPath, entry.name)
    return { path: `/${relative(root, source)}`, source, folder: entry.isDirectory() }
  })
  return [{ path: '/', source: root, folder: true }, ...found.sort((a, b) => (a.path < b.path ? -1 : 1))]
}
