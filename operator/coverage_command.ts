import { Command } from 'commander'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadServices } from '../enclave/adapters/rules.ts'
import { coverageOf, coveragePages, type Coverage } from './coverage.ts'
import type { Terminal } from './replay_command.ts'

interface Options {
  readonly json?: true
  readonly write?: true
}

/** `driftseal coverage`: what the catalog knows of each service. `docs` is where its pages are written. */
export function coverageCommand(rules: string, docs: string, terminal: Terminal): Command {
  return new Command('coverage')
    .description('Show which calls of which services are checked')
    .option('--json', 'the numbers of each service as JSON')
    .option('--write', 'write the pages of docs/coverage anew')
    .action(async ({ json, write }: Options) => {
      const services = await loadServices(rules)
      if (write) await writePages(coveragePages(services), docs)
      const rows = services.map(coverageOf)
      if (json) terminal.out(JSON.stringify(rows))
      else for (const line of shown(rows)) terminal.out(line)
    })
}

async function writePages(pages: ReadonlyMap<string, string>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await Promise.all(Array.from(pages, ([name, text]) => writeFile(join(folder, name), text)))
}

const COLUMNS = ['events', 'types', 'attributes', 'examples', 'unproven'] as const
const COLUMN_WIDTH = 12

function shown(rows: readonly Coverage[]): readonly string[] {
  const width = Math.max(...rows.map(({ title }) => title.length), 'total'.length)
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(width) + cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join('')
  const sum = (column: (typeof COLUMNS)[number]) => String(rows.reduce((total, row) => total + row[column], 0))
  return [
    line('', COLUMNS),
    ...rows.map((row) =>
      line(
        row.title,
        COLUMNS.map((column) => String(row[column])),
      ),
    ),
    line('total', COLUMNS.map(sum)),
  ]
}
