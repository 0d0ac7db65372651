import { loadRules } from '../enclave/adapters/rules.ts'
import { EventError, parseRecord } from '../enclave/core/cloudtrail.ts'
import { detect } from '../enclave/core/detect.ts'
import { isJudgedByRules, subjectOf } from '../enclave/core/enrich.ts'
import { wholeOf } from '../enclave/core/log_file.ts'
import { plain } from '../enclave/core/render.ts'
import { parseRuleFiles } from '../enclave/core/rule_files.ts'
import { InputError, readRecords, readStates } from './inputs.ts'
import { replayWorld } from './replay.ts'
import type { Terminal } from './replay_command.ts'
import { ruleFiles } from './rule_inputs.ts'
import { explainText } from './rules_test.ts'

interface Options {
  readonly event: string
  readonly state: string
  readonly rule?: string
  readonly json?: true
}

/** `driftseal rules explain`: why each rule did or did not match each finding of the given records. */
export async function explain(
  paths: readonly string[],
  options: Options,
  { shipped, terminal }: { readonly shipped: string; readonly terminal: Terminal },
): Promise<number> {
  const { rules, mistakes } = parseRuleFiles(await ruleFiles(paths, shipped))
  const [mistake] = mistakes
  if (mistake !== undefined) throw mistake
  const asked = rules.filter(
    ({ id, name }) => options.rule === undefined || options.rule === id || options.rule === name,
  )
  if (asked.length === 0) throw new InputError(`no rule is called '${options.rule}'; driftseal rules list shows all`)
  const states = await readStates([options.state], (line) => terminal.err(`${line}\n`))
  const measured = await loadRules(shipped)
  const world = replayWorld({ ...measured, rules: asked }, states, [])
  const records = await Array.fromAsync(readRecords([options.event]), (batch) =>
    batch.map((record) => (record instanceof EventError ? record : wholeOf(record))),
  )
  for (const record of records.flat()) {
    if (record instanceof EventError) throw new InputError(`${options.event}: ${record.message}`)
    const event = parseRecord(record)
    for (const finding of detect(event, world, Date.parse(event.time)).findings) {
      const subject = subjectOf(event, finding, world)
      const isJudged = isJudgedByRules(finding)
      const judged = asked.map((rule) => ({
        rule,
        matched: isJudged && rule.matches(subject),
        explanation: rule.explain(subject),
      }))
      if (options.json) {
        const listed = judged.map(({ rule, ...rest }) => ({ rule: rule.id ?? rule.name, ...rest }))
        terminal.out(
          JSON.stringify({ event: event.name, outcome: finding.outcome, resource: finding.resource, rules: listed }),
        )
        continue
      }
      const what = finding.resource?.address ?? finding.resource?.id ?? finding.source
      terminal.out(`${finding.outcome}: ${plain(event.name)} on ${plain(what)} (${plain(finding.reason)})`)
      if (!isJudged) terminal.out('rules do not judge this outcome')
      for (const { rule, matched, explanation } of judged.toSorted((a, b) => Number(b.matched) - Number(a.matched)))
        terminal.out(
          `\n${rule.id ?? rule.name}: ${matched ? 'matches' : 'does not match'}\n${plainLines(explainText(explanation, 1))}`,
        )
    }
  }
  return 0
}

const plainLines = (text: string): string => text.split('\n').map(plain).join('\n')
