import { readRuleFiles } from '../enclave/adapters/rules.ts'
import { compile } from '../enclave/core/falco/compile.ts'
import { parseCondition } from '../enclave/core/falco/condition.ts'
import { readDefinitions } from '../enclave/core/falco/definitions.ts'
import { createExpander } from '../enclave/core/falco/expand.ts'
import { sourceOf } from '../enclave/core/falco/rule_source.ts'
import { plainText, RuleError } from '../enclave/core/falco/source.ts'
import { SOURCES } from '../enclave/core/falco/sources.ts'
import { isNative } from '../enclave/core/rule_files.ts'
import { InputError } from './inputs.ts'
import type { Terminal } from './replay_command.ts'
import { indent } from './rules_check.ts'

interface Options {
  readonly source?: string
  readonly syntaxOnly?: true
  readonly json?: true
}

/** `driftseal rules parse`: 0 if Falco's language takes the condition, 1 with the place if it does not. */
export async function parse(
  condition: string,
  { source, syntaxOnly, json }: Options,
  { shipped, terminal }: { readonly shipped: string; readonly terminal: Terminal },
): Promise<number> {
  const named = source === undefined ? undefined : SOURCES.get(source)
  if (source !== undefined && named === undefined)
    throw new InputError(`no source is called '${source}'; there are ${[...SOURCES.keys()].join(', ')}`)
  try {
    if (syntaxOnly) parseCondition(plainText(condition))
    else {
      const tree = (await shippedNames(shipped)).expand(plainText(condition), Infinity)
      compile(tree, named ?? sourceOf(tree, [])) // as of a rule that names no source
    }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    const { code, problem, position, excerpt } = error
    const { line, column } = position
    if (json) terminal.out(JSON.stringify({ accepted: false, line, column, code, problem }))
    else terminal.out(`${error.message}\n${indent(excerpt)}`)
    return 1
  }
  terminal.out(json ? JSON.stringify({ accepted: true }) : 'accepted')
  return 0
}

/** The macros and lists of the shipped files. */
async function shippedNames(folder: string) {
  const files = (await readRuleFiles(folder)).filter((file) => !isNative(file))
  return createExpander(readDefinitions(files.map(({ name, text }) => plainText(text, name))))
}
