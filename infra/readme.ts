import { readFile, writeFile } from 'node:fs/promises'
import { parse } from '@cdktn/hcl2json'
import { format, resolveConfig } from 'prettier'
import * as v from 'valibot'

const README = new URL('README.md', import.meta.url)

const described = { description: v.pipe(v.string(), v.minLength(1)) }
/** What is not asked for here (validations, nullable, values) is let through. */
const variablesFile = v.object({
  variable: v.record(
    v.string(),
    v.strictTuple([v.object({ ...described, type: v.string(), default: v.optional(v.unknown()) })]),
  ),
})
const outputsFile = v.object({ output: v.record(v.string(), v.strictTuple([v.object(described)])) })

/** The README with its tables made anew from variables.tf and outputs.tf: what stands between the markers is replaced. */
export async function renderReadme(readme: string): Promise<string> {
  const { variable } = v.parse(variablesFile, await read('variables.tf'))
  const { output } = v.parse(outputsFile, await read('outputs.tf'))

  const inputs = Object.entries(variable).map(([name, [entry]]) => [
    code(name),
    entry.description,
    code(typeOf(entry.type)),
    'default' in entry ? code(JSON.stringify(entry.default)) : 'required',
  ])
  const outputs = Object.entries(output).map(([name, [entry]]) => [code(name), entry.description])
  const text = [
    { section: 'inputs', table: table(['input', 'what it is', 'type', 'default'], inputs) },
    { section: 'outputs', table: table(['output', 'what it is'], outputs) },
  ].reduce((before, { section, table: rows }) => replace(before, section, rows), readme)
  return format(text, { ...(await resolveConfig(README)), parser: 'markdown' })
}

const read = async (name: string): Promise<unknown> => parse(name, await readFile(new URL(name, README), 'utf8'))

/** hcl2json hands expressions on as "${…}". */
const typeOf = (expression: string): string => expression.replace(/^\$\{([\s\S]*)\}$/, '$1').replaceAll(/\s+/g, ' ')

const code = (text: string): string => `\`${text}\``

const table = (head: readonly string[], rows: readonly string[][]): string =>
  [head, head.map(() => '---'), ...rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n')

function replace(readme: string, section: string, rows: string): string {
  const [begin, end] = [`<!-- ${section} -->`, `<!-- /${section} -->`]
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from < 0 || to < from) throw new Error(`README.md has no ${begin} … ${end}`)
  return `${readme.slice(0, from)}${begin}\n\n${rows}\n\n${readme.slice(to)}`
}

if (import.meta.main) await writeFile(README, await renderReadme(await readFile(README, 'utf8')))
