import { createServer, type Server } from 'node:http'
import * as v from 'valibot'
import { ENVELOPE_FILE, signReport, type Report } from '../../deploy/gate/provenance.ts'
import { AwsError, jsonService, operation } from '../../local/aws/protocol.ts'
import { BUILDER, COMMIT, EXECUTION, sign } from '../deploy/gate/reports.ts'

export const PIPELINE = 'driftseal-production'
export const BUCKET = 'driftseal-production-artifacts-111122223333'
const TOKEN = '1a2b3c4d-1a2b-4c3d-8e4f-1a2b3c4d5e6f'

/** An approval as it waits, and what was decided about it. */
export interface Waiting {
  status: string
  type: string
  mode: string
  refusal: AwsError | undefined
  readonly commit: string
  /** The bucket, by the names of its objects. */
  readonly objects: Map<string, Uint8Array>
  readonly decisions: { status: string; summary: string }[]
}

export const waitingFor = (commit = COMMIT): Waiting => ({
  status: 'InProgress',
  type: 'V2',
  mode: 'QUEUED',
  refusal: undefined,
  commit,
  objects: new Map(),
  decisions: [],
})

/** Where a file of the report that waits is in the bucket. */
export const placeOf = ({ commit }: Waiting, name: string): string => `builds/${EXECUTION}/${commit}/${name}`

/** Puts a report where the comparison puts it, signed. */
export async function store(waiting: Waiting, report: Report): Promise<void> {
  for (const [name, bytes] of Object.entries(report)) waiting.objects.set(placeOf(waiting, name), bytes)
  const envelope = JSON.stringify(await signReport(report, sign))
  waiting.objects.set(placeOf(waiting, ENVELOPE_FILE), Buffer.from(envelope))
}

const named = v.object({ name: v.literal(PIPELINE) })
const decision = v.object({
  pipelineName: v.literal(PIPELINE),
  stageName: v.literal('Approve'),
  actionName: v.literal('ReviewPCR0'),
  token: v.string(),
  result: v.object({ status: v.picklist(['Approved', 'Rejected']), summary: v.pipe(v.string(), v.maxLength(512)) }),
})

/** CodePipeline with this approval, and S3 with its report. */
export function createGateServer(now: () => Waiting): Server {
  const operations = new Map([
    [
      'GetPipeline',
      operation(named, () => {
        const { refusal, type, mode } = now()
        if (refusal !== undefined) throw refusal
        const artifactStore = { type: 'S3', location: BUCKET }
        return {
          pipeline: { name: PIPELINE, pipelineType: type, executionMode: mode, artifactStore },
          metadata: { pipelineArn: BUILDER },
        }
      }),
    ],
    [
      'GetPipelineState',
      operation(named, () => ({
        stageStates: [
          { stageName: 'Compare', actionStates: [] },
          {
            stageName: 'Approve',
            latestExecution: { pipelineExecutionId: EXECUTION, status: 'InProgress' },
            actionStates: [{ actionName: 'ReviewPCR0', latestExecution: { status: now().status, token: TOKEN } }],
          },
        ],
      })),
    ],
    [
      'GetPipelineExecution',
      operation(v.object({ pipelineName: v.string(), pipelineExecutionId: v.literal(EXECUTION) }), () => ({
        pipelineExecution: { artifactRevisions: [{ name: 'source', revisionId: now().commit }] },
      })),
    ],
    [
      'PutApprovalResult',
      operation(decision, ({ token, result }) => {
        if (token !== TOKEN) throw new AwsError('InvalidApprovalTokenException', 'the token has changed')
        now().decisions.push(result)
        return { approvedAt: 0 }
      }),
    ],
  ])
  const codePipeline = jsonService('CodePipeline_20150709', operations)
  return createServer((request, response) => {
    if (request.method === 'POST') return codePipeline(request, response)
    const { pathname } = new URL(request.url ?? '', 'http://s3')
    const object = now().objects.get(pathname.slice(`/${BUCKET}/`.length))
    if (object === undefined) return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
    return response.writeHead(200, { 'content-length': object.length }).end(object)
  })
}
