import { Command, Option } from 'commander'
import { SEVERITIES } from '../enclave/core/native/schema.ts'
import { policySchema } from './policy_schema.ts'
import type { Terminal } from './replay_command.ts'
import { check } from './rules_check.ts'
import { explain } from './rules_explain.ts'
import { list } from './rules_list.ts'
import { parse } from './rules_parse.ts'
import { test } from './rules_test.ts'

const FILES = 'rule files or folders, in either language; without any, the shipped ones'
const CODES = '\nExit code: 0 all is well, 1 it is not, or an error.'

const command = (name: string, description: string): Command =>
  new Command(name).description(description).option('--json', 'for programs').addHelpText('after', CODES)

/** `driftseal rules …`: what people do with rules before they are measured. */
export function rulesCommand(shipped: string, terminal: Terminal, exit: (code: number) => void): Command {
  const around = { shipped, terminal }
  return new Command('rules')
    .description('Check, test and explain rules, native and Falco')
    .addCommand(
      command('check', 'Find every mistake in rule files, as file:line:column')
        .argument('[files...]', FILES)
        .action(async (files: string[], options) => exit(await check(files, options, around))),
    )
    .addCommand(
      command('parse', "Parse a condition in Falco's language")
        .argument('<condition>')
        .option('--source <source>', "whose events' fields it may use, such as aws_cloudtrail; else any of ours")
        .option('--syntax-only', 'leave fields, macros and types unresolved')
        .action(async (condition: string, options) => exit(await parse(condition, options, around))),
    )
    .addCommand(
      command('test', "Show rules their files' examples")
        .argument('[files...]', FILES)
        .option('--junit <file>', 'write the results as JUnit XML as well')
        .action(async (files: string[], options) => exit(await test(files, options, around))),
    )
    .addCommand(
      command('explain', 'Say why each rule matches what the given records led to, or does not')
        .argument('[files...]', FILES)
        .requiredOption('--event <file>', 'audit records: .json, .ndjson or .jsonl, also with .gz')
        .requiredOption('--state <file>', 'the Terraform state that they are judged against')
        .option('--rule <name>', 'only this rule, by name or id')
        .action(async (files: string[], options) => exit(await explain(files, options, around))),
    )
    .addCommand(
      command('list', 'List rules, gravest first')
        .argument('[files...]', FILES)
        .addOption(new Option('--severity <severity>', 'only of this severity').choices(SEVERITIES))
        .option('--type <type>', 'only native rules about this resource type')
        .option('--tag <tag>', 'only with this tag')
        .addOption(new Option('--format <format>', 'only in this language').choices(['native', 'falco']))
        .action(async (files: string[], options) => exit(await list(files, options, around))),
    )
    .addCommand(
      new Command('schema')
        .description("Print the JSON Schema of native rules, for people's editors: rules/schema/policy.schema.json")
        .action(() => terminal.out(JSON.stringify(policySchema(), null, 2))),
    )
}
