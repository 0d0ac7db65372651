import { formatWarning } from '../enclave/core/falco/source.ts'
import { isNative, parseRuleFiles } from '../enclave/core/rule_files.ts'
import { falcoExamples } from './falco_examples.ts'
import type { Terminal } from './replay_command.ts'
import { ruleFiles } from './rule_inputs.ts'

/** `driftseal rules check`: every mistake in the files, and 1 if there is any. */
export async function check(
  paths: readonly string[],
  { json }: { readonly json?: true },
  { shipped, terminal }: { readonly shipped: string; readonly terminal: Terminal },
): Promise<number> {
  const files = await ruleFiles(paths, shipped)
  const { rules, mistakes: found, warnings } = parseRuleFiles(files)
  const mistakes = [...found, ...falcoExamples(files.filter((file) => !isNative(file))).mistakes]
  if (json) {
    const listed = mistakes.map(({ code, problem, position: { file, line, column } }) => ({
      file,
      line,
      column,
      code,
      problem,
    }))
    terminal.out(JSON.stringify({ rules: rules.length, mistakes: listed, warnings: warnings.map(formatWarning) }))
    return mistakes.length === 0 ? 0 : 1
  }
  for (const warning of warnings) terminal.err(`warning: ${formatWarning(warning)}\n`)
  for (const mistake of mistakes) terminal.out(`${mistake.message}\n${indent(mistake.excerpt)}`)
  terminal.out(`${count(rules.length, 'rule')} in ${count(files.length, 'file')}, ${count(mistakes.length, 'mistake')}`)
  return mistakes.length === 0 ? 0 : 1
}

export const indent = (text: string): string => text.replaceAll(/^/gm, '  ')

export const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
