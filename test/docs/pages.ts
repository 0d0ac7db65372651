import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** A fenced block of commands, and the page that it stands on. */
export interface Block {
  readonly page: string
  /** Each as bash is to read it, without what it says about itself. */
  readonly commands: readonly string[]
}

/** A fence, indented where it is in a list, and its language. */
const FENCE = /^[ ]*```(\w*)\n([^]*?)^[ ]*```$/gm
/** What a block without a language may not hold: it is a picture, or what something prints. */
const LOOKS_LIKE_ONE = /^\s*(?:\$|aws|bash|curl|docker|driftseal|kubectl|make|node|npm|npx|terraform) /m

const pages = ['README.md', 'infra/README.md', ...globSync('docs/*.md', { cwd: ROOT }).sort()]
const fences = pages.flatMap((page) =>
  Array.from(readFileSync(join(ROOT, page), 'utf8').matchAll(FENCE), ([, language = '', text = '']) => ({
    page,
    language,
    text,
  })),
)

export const BLOCKS: readonly Block[] = fences
  .filter(({ language }) => language === 'sh')
  .map(({ page, text }) => ({ page, commands: commandsIn(text) }))

/** Blocks that have commands and do not say so. */
export const UNLABELLED = fences.filter(
  ({ language, text }) => ['', 'bash', 'console', 'shell'].includes(language) && LOOKS_LIKE_ONE.test(text),
)

/** Remarks stand behind two blanks, or a `#` of their own. */
function commandsIn(text: string): readonly string[] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, '').trim())
    .filter((line) => line !== '')
}
