import { PutApprovalResultCommand } from '@aws-sdk/client-codepipeline'
import { Command } from 'commander'
import { GateError } from '../deploy/gate/error.ts'
import { measureFile } from '../deploy/gate/measurement.ts'
import { readPublicKey } from '../deploy/gate/report_folder.ts'
import { parsePcr } from './arguments.ts'
import { asking } from '../deploy/aws.ts'
import { ACTION, findPending, type Pending, type PipelineClient, STAGE } from './gate_pending.ts'
import { fetchReport, type ObjectsClient, type ProvenReport } from './gate_report.ts'
import { InputError } from './inputs.ts'
import type { Terminal } from './replay_command.ts'
import { verdict } from './verdict.ts'

/** Where decisions are made, and where what they are made by lies. */
export interface GateClients {
  readonly pipeline: PipelineClient
  readonly objects: ObjectsClient
}

interface Options {
  readonly pipeline: string
  readonly repository: string
  readonly key: string
  readonly json?: true
}

interface ApproveOptions extends Options {
  readonly eif?: string
  readonly expectPcr0?: string
  readonly rebuiltBy: string
}

type Exit = (code: number) => void
type Connect = () => Promise<GateClients>

const REFUSED = 3
/** CodePipeline cuts nothing off: it refuses. */
const MAX_DECISION = 512
const EXIT_CODES =
  '\nRegion and credentials are those of the AWS command line: take the approver role.\n' +
  'Exit code: 0 done, 3 refused (the message names the check that failed), 1 error.'

const connectAws: Connect = async () => {
  const [{ CodePipelineClient }, { S3Client }] = await Promise.all([
    import('@aws-sdk/client-codepipeline'),
    import('@aws-sdk/client-s3'),
  ])
  return { pipeline: new CodePipelineClient(), objects: new S3Client() }
}

/** `driftseal gate`: the reviewer's yes or no to an image. */
export function gateCommand(terminal: Terminal, exit: Exit, connect = connectAws): Command {
  const show = atGate('show', 'Show the report of the image that waits, once it is proven').action((options: Options) =>
    unlessRefused(terminal, exit, async () => {
      const { pending, report } = await pendingReport(options, await connect())
      if (options.json) return terminal.out(JSON.stringify({ execution: pending.execution, summary: report.summary }))
      terminal.out(
        verdict('VALID', `signature, builder, source, parameters and subject of ${pending.execution}`, terminal),
      )
      terminal.out(report.markdown)
    }),
  )
  const approve = atGate('approve', 'Approve the image that waits, whose PCR0 you computed yourself')
    .option('--eif <file>', 'the image file that you built of the same commit: it is measured here')
    .option('--expect-pcr0 <hex>', 'the PCR0 that you computed elsewhere', parsePcr)
    .requiredOption('--rebuilt-by <who>', 'who built it again, for the record')
    .action((options: ApproveOptions) =>
      unlessRefused(terminal, exit, async () => {
        const clients = await connect()
        const { pending, report } = await pendingReport(options, clients)
        const { measurement } = report.summary
        requireSame(await recomputed(options), measurement.pcr0)
        const said = `PCR0=${measurement.pcr0} commit=${pending.commit} rebuilt-by=${options.rebuiltBy}`
        await decide(clients.pipeline, pending, 'Approved', said)
        terminal.out(verdict('APPROVED', said, terminal))
      }),
    )
  const reject = new Command('reject')
    .description('Reject the image that waits')
    .requiredOption('--pipeline <name>', 'the pipeline (pipeline_name)')
    .requiredOption('--reason <text>', 'why, for the record')
    .addHelpText('after', EXIT_CODES)
    .action(async ({ pipeline, reason }: { pipeline: string; reason: string }) => {
      const clients = await connect()
      const pending = await findPending(pipeline, clients.pipeline)
      const said = `commit=${pending.commit} ${reason}`
      await decide(clients.pipeline, pending, 'Rejected', said)
      terminal.out(verdict('REJECTED', said, terminal))
    })
  return new Command('gate')
    .description('Decide about the image that waits at the gate of the pipeline')
    .addCommand(show)
    .addCommand(approve)
    .addCommand(reject)
}

const atGate = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .requiredOption('--pipeline <name>', 'the pipeline (pipeline_name)')
    .requiredOption('--repository <owner/name>', 'the repository that images are built of')
    .requiredOption('--key <pem>', 'the public half of the key that signs reports, which you keep')
    .option('--json', 'one JSON object')
    .addHelpText('after', EXIT_CODES)

async function pendingReport(
  { pipeline, repository, key }: Options,
  clients: GateClients,
): Promise<{ pending: Pending; report: ProvenReport }> {
  const pending = await findPending(pipeline, clients.pipeline)
  return { pending, report: await fetchReport(pending, repository, await readPublicKey(key), clients.objects) }
}

/** The reviewer's own number. Without one there is no approval: the pipeline's own is what he is to doubt. */
async function recomputed({ eif, expectPcr0 }: ApproveOptions): Promise<string> {
  const measured = eif === undefined ? undefined : (await measureFile(eif)).pcr0
  if (measured !== undefined && expectPcr0 !== undefined) requireSame(measured, expectPcr0)
  const pcr0 = measured ?? expectPcr0
  if (pcr0 !== undefined) return pcr0
  throw new InputError('name the PCR0 that you computed: --eif with your own build, or --expect-pcr0 (docs/gate.md)')
}

function requireSame(yours: string, theirs: string): void {
  if (yours !== theirs)
    throw new GateError('ERR_GATE_MEASUREMENT', `yours is PCR0 ${yours}, and the other ${theirs}: do not approve`)
}

async function decide(
  client: PipelineClient,
  { pipeline, token }: Pending,
  status: 'Approved' | 'Rejected',
  summary: string,
): Promise<void> {
  if (summary.length > MAX_DECISION)
    throw new InputError(`the record would have ${summary.length} characters; CodePipeline takes ${MAX_DECISION}`)
  await asking(`decide about ${pipeline}`, () =>
    client.send(
      new PutApprovalResultCommand({
        pipelineName: pipeline,
        stageName: STAGE,
        actionName: ACTION,
        token,
        result: { status, summary },
      }),
    ),
  )
}

async function unlessRefused(terminal: Terminal, exit: Exit, act: () => Promise<void>): Promise<void> {
  try {
    await act()
    exit(0)
  } catch (error) {
    if (!(error instanceof GateError) || error.code === 'ERR_GATE_INPUT') throw error
    terminal.err(`refused: ${error.code}: ${error.message}\n`)
    exit(REFUSED)
  }
}
