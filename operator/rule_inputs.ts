import { readFile } from 'node:fs/promises'
import { readRuleFiles } from '../enclave/adapters/rules.ts'
import type { RuleText } from '../enclave/core/rule_files.ts'
import { filesIn, reading } from './inputs.ts'

/** The rule files that are named, those in folders that are named, or the shipped ones. */
export async function ruleFiles(paths: readonly string[], shipped: string): Promise<readonly RuleText[]> {
  if (paths.length === 0) return readRuleFiles(shipped)
  const names = await filesIn(paths, (name) => /\.ya?ml$/.test(name))
  return Promise.all(names.map(async (name) => ({ name, text: await reading(name, () => readFile(name, 'utf8')) })))
}
