import { writeFile } from 'node:fs/promises'
import { loadRules } from '../enclave/adapters/rules.ts'
import { EventError } from '../enclave/core/cloudtrail.ts'
import type { Catalog } from '../enclave/core/catalog.ts'
import type { Example } from '../enclave/core/native/schema.ts'
import type { Explanation, Rule } from '../enclave/core/rule.ts'
import { isNative, parseRuleFiles, type RuleText } from '../enclave/core/rule_files.ts'
import { falcoExamples } from './falco_examples.ts'
import { reading } from './inputs.ts'
import type { Terminal } from './replay_command.ts'
import { tryExample } from './rule_examples.ts'
import { ruleFiles } from './rule_inputs.ts'
import { count, indent } from './rules_check.ts'

interface Options {
  readonly json?: true
  readonly junit?: string
}

/** One example, and what came of it. */
interface Result {
  readonly rule: string
  readonly example: string
  readonly expected: 'fires' | 'silent'
  readonly actual: 'fires' | 'silent' | 'error'
  /** Why, where it is not as expected. */
  readonly why?: string
}

/** `driftseal rules test`: shows every rule its examples; 1 if one of them is not as its file says. */
export async function test(
  paths: readonly string[],
  options: Options,
  { shipped, terminal }: { readonly shipped: string; readonly terminal: Terminal },
): Promise<number> {
  const files = await ruleFiles(paths, shipped)
  const { rules, mistakes } = parseRuleFiles(files)
  const [mistake] = mistakes
  if (mistake !== undefined) throw mistake
  const { catalog } = await loadRules(shipped)
  const exampled = examplesIn(files)
  const results = exampled.map(({ rule, example, name }) => runExample(rule, example, name, catalog))
  const failed = results.filter(({ expected, actual }) => expected !== actual)
  if (options.junit !== undefined) {
    const path = options.junit
    await reading(path, () => writeFile(path, junit(results)))
  }
  if (options.json) for (const result of results) terminal.out(JSON.stringify(result))
  else {
    for (const result of failed) terminal.out(describe(result))
    const bare = rules.filter((rule) => !exampled.some((one) => one.rule.name === rule.name && one.rule.id === rule.id))
    for (const { id, name } of bare) terminal.err(`warning: ${id ?? name} has no examples\n`)
    terminal.out(`${count(results.length, 'example')} of ${count(rules.length, 'rule')}, ${failed.length} failed`)
  }
  return failed.length === 0 ? 0 : 1
}

interface Named {
  readonly rule: Rule
  readonly example: Example
  readonly name: string
}

/** The examples of files without a mistake, each by the name that it has or by its place. */
export function examplesIn(files: readonly RuleText[]): readonly Named[] {
  const { rules, policies } = parseRuleFiles(files)
  const ofFalco = falcoExamples(files.filter((file) => !isNative(file))).examples
  const pairs = [
    ...rules
      .filter(({ language }) => language === 'falco')
      .map((rule) => ({
        rule,
        examples: ofFalco.filter((one) => one.rule === rule.name).map(({ example }) => example),
      })),
    ...policies.map((rule) => ({ rule, examples: rule.examples })),
  ]
  return pairs.flatMap(({ rule, examples }) =>
    examples.map((example, at) => ({ rule, example, name: example.name ?? `example ${at + 1}` })),
  )
}

function runExample(rule: Rule, example: Example, name: string, catalog: Catalog): Result {
  const expected = example.fires ? 'fires' : 'silent'
  const found = { rule: rule.id ?? rule.name, example: name, expected } as const
  try {
    const { fires, explanation } = tryExample(rule, example, catalog)
    const actual = fires ? 'fires' : 'silent'
    return actual === expected ? { ...found, actual } : { ...found, actual, why: whyOf(rule, fires, explanation) }
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return { ...found, actual: 'error', why: `the record cannot be read: ${error.message}` }
  }
}

function whyOf({ threshold }: Rule, fires: boolean, explanation: Explanation | undefined): string {
  if (explanation === undefined) return 'the detector led to no finding'
  const tree = explainText(explanation)
  if (fires || !explanation.outcome) return tree
  return `${tree}\n${threshold === undefined ? 'but rules do not judge this outcome' : 'but the threshold is not reached'}`
}

const describe = ({ rule, example, expected, actual, why }: Result): string =>
  [`${rule}: ${example}`, `  - expected: ${expected}`, `  + actual:   ${actual}`, indent(why ?? '')].join('\n')

/** A tree of conditions, each with what it came to and what it saw. */
export function explainText({ text, outcome, found, parts }: Explanation, depth = 0): string {
  const seen = found === undefined ? '' : `   [${found}]`
  const line = `${'  '.repeat(depth)}${outcome ? '✓' : '✗'} ${text}${seen}`
  return [line, ...parts.map((part) => explainText(part, depth + 1))].join('\n')
}

function junit(results: readonly Result[]): string {
  const cases = results.map(({ rule, example, expected, actual, why }) => {
    const head = `  <testcase classname="${xml(rule)}" name="${xml(example)}"`
    if (expected === actual) return `${head}/>`
    return `${head}><failure message="expected ${expected}, was ${actual}">${xml(why ?? '')}</failure></testcase>`
  })
  const failures = results.filter(({ expected, actual }) => expected !== actual).length
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="driftseal rules" tests="${results.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

/** What XML 1.0 cannot hold at all is left out. */
const xml = (text: string): string =>
  text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
