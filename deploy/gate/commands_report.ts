import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import * as v from 'valibot'
import { gitIn } from './git.ts'
import { parseInput, readInput } from './input.ts'
import { ENVELOPE_FILE, signReport, verifyReport, type Expected } from './provenance.ts'
import { readEnvelope, readPublicKey, readReport, readSummary, writeReport } from './report_folder.ts'
import { summarise } from './summarise.ts'
import { parseSummary } from './summary.ts'

interface SummaryOptions {
  readonly environment: string
  readonly repository: string
  readonly commit: string
  readonly builder: string
  readonly execution: string
  readonly applied: string
  readonly tfvars: string
  readonly out: string
  readonly policy?: string
  readonly live?: string
}

/** Writing a report, signing it, and proving one. */
export function reportCommands(say: (line: string) => void): readonly Command[] {
  const summary = new Command('summary')
    .description('Compare two builds and write the report that a reviewer decides by')
    .argument('<first>', "the first builder's folder")
    .argument('<second>', "the second's")
    .requiredOption('--environment <name>', 'which environment it is for')
    .requiredOption('--repository <owner/name>', 'where the commit is from')
    .requiredOption('--commit <id>', 'which one it is; it must be checked out here')
    .requiredOption('--builder <id>', 'who builds: the ARN of the pipeline')
    .requiredOption('--execution <id>', 'the execution of the pipeline')
    .requiredOption('--applied <json>', 'the images that are allowed, as Terraform last applied them')
    .requiredOption('--tfvars <file>', 'the file that holds enclave_pcr0_allow_list')
    .option('--policy <file>', "the key's policy in force, as kms get-key-policy prints it")
    .option('--live <file>', 'build-summary.json of what runs now, to compare with')
    .requiredOption('--out <folder>', 'where the report goes')
    .action((first: string, second: string, options: SummaryOptions) => writeSummary(first, second, options, say))
  const sign = new Command('sign')
    .description('Sign a report by a key in KMS')
    .argument('<report>', 'its folder')
    .requiredOption('--key <id>', "the key's id, ARN or alias")
    .action(signFolder)
  const verify = new Command('verify')
    .description('Prove a report: signature, builder, source, parameters, subject, in this order')
    .argument('<report>', 'its folder')
    .requiredOption('--key <pem>', 'the public half of the signing key')
    .requiredOption('--builder <id>', 'who must have built it: the ARN of the pipeline')
    .requiredOption('--execution <id>', 'in which execution')
    .requiredOption('--repository <owner/name>', 'of which repository')
    .requiredOption('--commit <id>', 'of which commit')
    .action(async (folder: string, { key, ...expected }: Expected & { key: string }) => {
      const proven = verifyReport(
        await readReport(folder),
        await readEnvelope(folder),
        await readPublicKey(key),
        expected,
      )
      say(`verified: PCR0 ${proven.measurement.pcr0}`)
    })
  return [summary, sign, verify]
}

async function writeSummary(
  first: string,
  second: string,
  options: SummaryOptions,
  say: (line: string) => void,
): Promise<void> {
  const { environment, repository, commit, builder, execution, tfvars, out } = options
  const run = {
    environment,
    repository,
    commit,
    builder: { id: builder, execution },
    first,
    second,
    tfvars,
    applied: parseInput(v.array(v.string()), options.applied, '--applied'),
    policy: options.policy === undefined ? undefined : await readInput(options.policy),
    live: options.live === undefined ? undefined : parseSummary(await readInput(options.live), options.live),
  }
  const root = process.cwd()
  await writeReport(out, await summarise(run, gitIn(root), root))
  const { measurement, warnings } = await readSummary(out)
  say(`PCR0 ${measurement.pcr0}`)
  for (const warning of warnings) say(`find out first: ${warning}`)
}

async function signFolder(folder: string, { key }: { key: string }): Promise<void> {
  const [{ KMSClient }, { kmsSigner }] = await Promise.all([import('@aws-sdk/client-kms'), import('./kms_signer.ts')])
  const envelope = await signReport(await readReport(folder), kmsSigner(new KMSClient(), key))
  await writeFile(join(folder, ENVELOPE_FILE), `${JSON.stringify(envelope)}\n`)
}
