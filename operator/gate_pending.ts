import {
  type CodePipelineClient,
  GetPipelineCommand,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
} from '@aws-sdk/client-codepipeline'
import { asking } from '../deploy/aws.ts'
import { InputError } from './inputs.ts'

export type PipelineClient = Pick<CodePipelineClient, 'send'>

/** An approval that waits for somebody, and what it is about. */
export interface Pending {
  readonly pipeline: string
  /** The pipeline's ARN: who must have built what is approved. */
  readonly builder: string
  readonly bucket: string
  readonly execution: string
  readonly commit: string
  readonly token: string
}

/** infra/pipeline.tf calls them so. */
export const STAGE = 'Approve'
export const ACTION = 'ReviewPCR0'
const SOURCE = 'source'

/** The approval that waits at the gate of a pipeline. Says plainly when none does. */
export async function findPending(pipeline: string, client: PipelineClient): Promise<Pending> {
  const ask = `read the pipeline ${pipeline}`
  const definition = await asking(ask, () => client.send(new GetPipelineCommand({ name: pipeline })))
  const { pipelineType, executionMode, artifactStore } = definition.pipeline ?? {}
  // Of another kind, the token is found otherwise, and one execution may replace another that was shown.
  if (pipelineType !== 'V2' || executionMode !== 'QUEUED')
    throw new InputError(`${pipeline} is not a queued pipeline of type V2: apply infra/pipeline.tf as it is`)

  const { stageStates = [] } = await asking(ask, () => client.send(new GetPipelineStateCommand({ name: pipeline })))
  const stage = stageStates.find(({ stageName }) => stageName === STAGE)
  const action = stage?.actionStates?.find(({ actionName }) => actionName === ACTION)?.latestExecution
  const execution = stage?.latestExecution?.pipelineExecutionId
  if (action?.status !== 'InProgress' || action.token === undefined || execution === undefined)
    throw new InputError(
      `nothing waits for approval in ${pipeline}: ${STAGE}/${ACTION} is ${action?.status ?? 'not reached'}`,
    )

  const found = await asking(ask, () =>
    client.send(new GetPipelineExecutionCommand({ pipelineName: pipeline, pipelineExecutionId: execution })),
  )
  const revision = found.pipelineExecution?.artifactRevisions?.find(({ name }) => name === SOURCE)?.revisionId
  const [builder, bucket] = [definition.metadata?.pipelineArn, artifactStore?.location]
  if (revision === undefined || builder === undefined || bucket === undefined)
    throw new InputError(`${pipeline} does not say what execution ${execution} is of: look at it in the console`)
  return { pipeline, builder, bucket, execution, commit: revision, token: action.token }
}
