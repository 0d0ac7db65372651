import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import * as v from 'valibot'
import { nitroRoot } from '../../enclave/attestation/root.ts'
import { withImage, withoutOthers } from './allow_list.ts'
import { GateError } from './error.ts'
import { gitIn } from './git.ts'
import { parseInput, readInput, sha384Hex } from './input.ts'
import { imagesAllowedBy } from './key_policy.ts'
import { openCluster } from './kubectl.ts'
import { withImages } from './overlay.ts'
import { allowing, push, type Proposal, retiring } from './proposal.ts'
import { comparePage, openPullRequest, pushCredentials } from './pull_request.ts'
import { readSummary } from './report_folder.ts'
import { appliedManifests, requireAllowed, rollOut } from './rollout.ts'
import type { Summary } from './summary.ts'
import { readAllowList, writeAllowList } from './tfvars.ts'

interface ProposalOptions {
  readonly pcr0: string
  readonly repository: string
  readonly base: string
  readonly tfvars: string
  readonly remote: string
  readonly reported?: string
}

interface RolloutOptions {
  readonly pcr0: string
  readonly overlay: string
  readonly namespace: string
  readonly policy: string
  readonly out: string
}

type Say = (line: string) => void

const TOKEN = 'PROMOTION_TOKEN'
const GITHUB = 'https://github.com'
const GITHUB_API = 'https://api.github.com'

const reportedSchema = v.array(v.object({ node: v.string(), pod: v.string(), pcr0: sha384Hex }))

/** What follows an approval: the change is proposed, rolled out once it is applied, and its predecessor retired. */
export function releaseCommands(say: Say): readonly Command[] {
  const allow = proposalCommand('allow', 'Propose that KMS releases keys to the image of a report too').action(
    async (report: string, options: ProposalOptions) => {
      const summary = await approved(report, options.pcr0)
      const overlay = join('deploy/overlays', summary.environment, 'kustomization.yaml')
      const edits = new Map([
        [options.tfvars, edited(options.tfvars, (list) => withImage(list, options.pcr0))],
        [overlay, (text: string) => withImages(text, summary.images)],
      ])
      await propose(allowing(summary, edits), options, say)
    },
  )
  const retire = proposalCommand('retire', 'Propose that KMS releases keys to no other image than that of a report')
    .requiredOption('--reported <file>', 'what the roll-out wrote: which node proved which image')
    .action(async (report: string, options: ProposalOptions & { reported: string }) => {
      const summary = await approved(report, options.pcr0)
      const nodes = parseInput(reportedSchema, await readInput(options.reported), options.reported)
      const reported = nodes.map(({ pcr0 }) => pcr0)
      const edits = new Map([
        [options.tfvars, edited(options.tfvars, (list) => withoutOthers(list, options.pcr0, reported))],
      ])
      await propose(retiring(summary, edits), options, say)
    })
  const rollout = new Command('rollout')
    .description('Start the image of a report on every node, and have each prove that it runs it')
    .argument('<report>', 'its folder')
    .requiredOption('--pcr0 <hex>', 'the image that was approved')
    .requiredOption('--overlay <folder>', 'the environment, such as deploy/overlays/production')
    .requiredOption('--namespace <name>', 'of the pods')
    .requiredOption('--policy <file>', "the key's policy in force, as kms get-key-policy prints it")
    .requiredOption('--out <file>', 'where the proofs go, for retire')
    .action((report: string, options: RolloutOptions) => roll(report, options, say))
  return [allow, retire, rollout]
}

const proposalCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(`${description}. With a token in ${TOKEN}: as a pull request`)
    .argument('<report>', 'its folder')
    .requiredOption('--pcr0 <hex>', 'the image that was approved')
    .requiredOption('--repository <owner/name>', 'on GitHub')
    .requiredOption('--base <branch>', 'the branch that the change is for')
    .requiredOption('--tfvars <file>', 'the file that holds enclave_pcr0_allow_list')
    .option('--remote <name>', 'where to push without a token', 'origin')

/** The report of the image that was approved: the pipeline says which, the report what else is to be said of it. */
async function approved(report: string, pcr0: string): Promise<Summary> {
  const summary = await readSummary(report)
  if (summary.measurement.pcr0 === pcr0) return summary
  throw new GateError('ERR_GATE_SUBJECT', 'the report is of another image than the one that was approved')
}

const edited =
  (file: string, change: (list: readonly string[]) => readonly string[]) =>
  (text: string): string =>
    writeAllowList(text, file, change(readAllowList(text, file)))

async function propose(proposal: Proposal, options: ProposalOptions, say: Say): Promise<void> {
  const { repository, base } = options
  const token = process.env[TOKEN] ?? ''
  const git = gitIn(process.cwd(), token === '' ? {} : pushCredentials(token))
  const remote = token === '' ? options.remote : `${GITHUB}/${repository}.git`
  if (!(await push(git, remote, base, proposal))) return say('nothing to propose: the repository says so already')
  const page =
    token === ''
      ? comparePage(repository, base, proposal)
      : await openPullRequest({ api: GITHUB_API, name: repository, token }, base, proposal)
  say(`${token === '' ? 'pushed; open the pull request at' : 'proposed'}: ${page}`)
}

async function roll(report: string, options: RolloutOptions, say: Say): Promise<void> {
  const { pcr0, overlay, namespace, out } = options
  const { images } = await approved(report, pcr0)
  const policy = await readInput(options.policy)
  requireAllowed(policy, pcr0)
  const [first, ...others] = imagesAllowedBy(policy)
  const cluster = openCluster(namespace, { root: nitroRoot, pcr0: [first ?? pcr0, ...others] }, say)
  const kustomization = join(overlay, 'kustomization.yaml')
  await writeFile(kustomization, withImages(await readInput(kustomization), images))
  const manifests = appliedManifests(await cluster.kubectl(['kustomize', overlay]), namespace)
  const reported = await rollOut(cluster, namespace, manifests, pcr0)
  await writeFile(out, `${JSON.stringify(reported, null, 2)}\n`)
}
