import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { attestation } from './attestation.ts'
import { boot } from './boot.ts'
import { core } from './core.ts'
import type { Figure, Section } from './measure.ts'
import { memory } from './memory.ts'
import { proxy } from './proxy.ts'
import { formatHeader, formatSection, header } from './report.ts'
import { rules } from './rules.ts'
import { sealing } from './sealing.ts'
import { states } from './states.ts'

const SECTIONS: Readonly<Record<string, Section>> = { sealing, attestation, boot, proxy, core, states, rules, memory }

const USAGE = `npm run bench [-- options] [section…]

Measures what the project's speed goals are about, beside what it is compared to, in one run. Sections:
${Object.entries(SECTIONS)
  .map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`)
  .join('\n')}

  --json FILE  also write the figures to this file
  --help       this text
`

const say = (text: string): void => void process.stdout.write(text)

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, help: { type: 'boolean' } },
  })
  const unknown = positionals.filter((name) => !Object.hasOwn(SECTIONS, name))
  if (unknown.length > 0) {
    process.stderr.write(`no section ${unknown.join(', ')}\n\n${USAGE}`)
    return 1
  }
  if (values.help === true) {
    say(USAGE)
    return 0
  }
  const about = header()
  say(formatHeader(about))
  const figures: (Figure & { readonly section: string; readonly command: string })[] = []
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const command = `npm run bench -- ${name}`
    const measured = await section.run()
    say(formatSection(section.title, command, measured))
    for (const figure of measured) figures.push({ section: name, command, ...figure })
  }
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ ...about, figures }, undefined, 2)}\n`)
  return 0
}

process.exitCode = await main()
