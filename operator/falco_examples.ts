import * as v from 'valibot'
import type { RuleError } from '../enclave/core/falco/source.ts'
import { readDocuments } from '../enclave/core/native/policy_file.ts'
import { exampleSchema, type Example } from '../enclave/core/native/schema.ts'
import type { RuleText } from '../enclave/core/rule_files.ts'

const examplesSchema = v.array(exampleSchema)

export interface FalcoExamples {
  readonly examples: readonly { readonly rule: string; readonly example: Example }[]
  readonly mistakes: readonly RuleError[]
}

/** The `examples` of rules in Falco's files: a key that Falco itself warns of and ignores. */
export function falcoExamples(files: readonly RuleText[]): FalcoExamples {
  const mistakes: RuleError[] = []
  // What else is wrong with the file, Falco's own loader says.
  const others: RuleError[] = []
  const examples = files.flatMap(({ name, text }) =>
    readDocuments(name, text, others).flatMap((document) => {
      const { value } = document
      const items: readonly unknown[] = Array.isArray(value) ? value : [value]
      return items.flatMap((item, index) => {
        if (!isExampled(item)) return []
        const path = Array.isArray(value) ? [index, 'examples'] : ['examples']
        const found = document.check(examplesSchema, path, item.examples, mistakes) ?? []
        return found.map((example) => ({ rule: item.rule, example }))
      })
    }),
  )
  return { examples, mistakes }
}

const isExampled = (item: unknown): item is { readonly rule: string; readonly examples: unknown } =>
  typeof item === 'object' && item !== null && 'examples' in item && 'rule' in item && typeof item.rule === 'string'
