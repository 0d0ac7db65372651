import { Command, Option } from 'commander'
import { loadRules } from '../enclave/adapters/rules.ts'
import type { Finding, OutcomeName } from '../enclave/core/finding.ts'
import { toDriftLog, toJson, toPerson } from '../enclave/core/render.ts'
import { readRecords, readStates, readText } from './inputs.ts'
import { replay, replayWorld, type Tally } from './replay.ts'

const PROGRESS_EVERY = 5000
const MAX_UNMAPPED_LINES = 20

/** Where a command writes. */
export interface Terminal {
  out(line: string): void
  err(text: string): void
  readonly colour: boolean
  /** Somebody is watching: show progress. */
  readonly live: boolean
}

interface Options {
  readonly state: readonly string[]
  readonly events: readonly string[]
  readonly json?: true
  readonly all?: true
  readonly strict?: true
  readonly driftignore?: string
  readonly format?: 'finding' | 'drift-log'
  readonly terraformPrincipal?: readonly string[]
}

/** `driftseal replay`: the enclave's judgement over local files, with neither enclave nor AWS. */
export function replayCommand(rules: string, terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('replay')
    .description('Judge CloudTrail records against Terraform states, from local files')
    .requiredOption('--state <path...>', 'state files (format 4), or folders of *.tfstate')
    .requiredOption(
      '--events <path...>',
      'CloudTrail files or folders, or what lookup-events prints: .json, .ndjson, .jsonl, also with .gz',
    )
    .option('--json', 'one finding a line as JSON; the same as --format finding')
    .addOption(new Option('--format <form>', 'JSON lines in this form').choices(['finding', 'drift-log']))
    .option('--all', 'every outcome, not only drift, unmanaged and unmapped')
    .option('--strict', 'also what defaults keep quiet: expected writers, suppressed drift, changes without effect')
    .option('--driftignore <file>', "driftctl's ignore file: what it lists is suppressed, and counted")
    .option('--terraform-principal <glob...>', 'who may run Terraform: role or user ARNs, * for anything')
    .addHelpText('after', '\nExit code: 0 no drift, 2 drift found, 1 error.')
    .action(async (options: Options) => exit(await run(options, rules, terminal)))
}

async function run(options: Options, folder: string, terminal: Terminal): Promise<number> {
  const say = (line: string) => terminal.err(`${line}\n`)
  const rules = await loadRules(folder)
  for (const warning of rules.warnings) say(`warning: ${warning}`)
  const states = await readStates(options.state, say)
  const principals = options.terraformPrincipal ?? []
  const line = lineOf(options, terminal)
  const driftignore = options.driftignore === undefined ? '' : await readText(options.driftignore)
  const tally = await replay(
    readRecords(options.events),
    replayWorld(rules, states, principals, driftignore),
    (outcome, read, records) => {
      if (terminal.live && records % PROGRESS_EVERY === 0) terminal.err(`\r${number(records)} records …`)
      if (options.all || isShown(outcome, read, options)) terminal.out(line(read()))
    },
  )
  if (terminal.live && tally.records >= PROGRESS_EVERY) terminal.err('\r\u001B[K')
  for (const text of summary(tally, principals.length === 0)) say(text)
  return (tally.outcomes.get('drift') ?? 0) > 0 ? 2 : 0
}

function lineOf({ json, format }: Options, { colour }: Terminal): (finding: Finding) => string {
  if (format === 'drift-log') return toDriftLog
  if (format === 'finding' || json) return toJson
  return (finding) => `${toPerson(finding, { colour })}\n`
}

/** What was not checked is a line each for programs, and a count at the end for people. */
function isShown(outcome: OutcomeName, read: () => Finding, { json, format, strict }: Options): boolean {
  // What names a resource has got as far as the comparison: reads, failures and repeats of queues have not.
  if (strict && (outcome === 'expected' || outcome === 'suppressed' || outcome === 'ignored'))
    return read().resource !== null
  if (outcome === 'unmapped') return json === true || format !== undefined
  return outcome === 'drift' || outcome === 'unmanaged'
}

function summary({ records, outcomes, held, unmapped }: Tally, anyPrincipal: boolean): readonly string[] {
  const counts = Array.from(outcomes, ([outcome, count]) => `${number(count)} ${outcome}`)
  const calls = [...unmapped].toSorted(([, a], [, b]) => b - a)
  return [
    `${number(records)} records: ${counts.join(', ') || 'no outcome'}`,
    ...(held > 0 ? [`of the expected, ${number(held)} by Terraform are not in the given states yet`] : []),
    ...(anyPrincipal
      ? ['any principal counted as Terraform by its user agent; --terraform-principal narrows that']
      : []),
    ...calls.slice(0, MAX_UNMAPPED_LINES).map(([call, count]) => `not checked: ${call} ${number(count)}`),
    ...(calls.length > MAX_UNMAPPED_LINES ? [`and ${calls.length - MAX_UNMAPPED_LINES} calls more`] : []),
  ]
}

const number = (count: number): string => count.toLocaleString('en')
