import { loadRuleFiles } from './falco/rules.ts'
import type { RuleError, Warning } from './falco/source.ts'
import { parsePolicies, type PolicyRule } from './native/rules.ts'
import type { Rule } from './rule.ts'

/** A native file is a mapping with `rules`; Falco's are lists of items, or single ones. */
const NATIVE = /^\{?\s*["']?rules["']?\s*:/m

/** A rule file as it was read; `name` is what people know it by. */
export interface RuleText {
  readonly name: string
  readonly text: string
}

export interface RuleFiles {
  readonly rules: readonly Rule[]
  /** Those of them that are native. */
  readonly policies: readonly PolicyRule[]
  readonly mistakes: readonly RuleError[]
  readonly warnings: readonly Warning[]
}

/** Loads files in either language, told apart by what is in them. Finds all mistakes, throws nothing. */
export function parseRuleFiles(files: readonly RuleText[]): RuleFiles {
  const native = parsePolicies(files.filter(isNative))
  const falco = loadRuleFiles(files.filter((file) => !isNative(file)))
  return {
    rules: [...falco.rules, ...native.rules],
    policies: native.rules,
    mistakes: [...falco.mistakes, ...native.mistakes].sort(byPlace),
    warnings: falco.warnings,
  }
}

export const isNative = ({ text }: RuleText): boolean => NATIVE.test(text)

const byPlace = ({ position: a }: RuleError, { position: b }: RuleError): number =>
  a.file === b.file ? a.line - b.line || a.column - b.column : 0
