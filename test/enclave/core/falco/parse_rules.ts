import { loadRuleFiles, type Loaded } from '../../../../enclave/core/falco/rules.ts'

/** Loads one file that must be right. Throws RuleError, at the first mistake, and nothing else. */
export function parseRules(name: string, text: string): Pick<Loaded, 'rules' | 'warnings'> {
  const { rules, warnings, mistakes } = loadRuleFiles([{ name, text }])
  if (mistakes[0] !== undefined) throw mistakes[0]
  return { rules, warnings }
}
