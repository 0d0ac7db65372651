import { CodePipelineClient } from '@aws-sdk/client-codepipeline'
import { S3Client } from '@aws-sdk/client-s3'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { ENVELOPE_FILE, signReport, type Report } from '../../deploy/gate/provenance.ts'
import { AwsError, jsonService, operation } from '../../local/aws/protocol.ts'
import { gateCommand } from '../../operator/gate.ts'
import { CMDLINE, KERNEL, RAMDISK, registerOf, section, text, writeEif } from '../enclave/attestation/eif_writer.ts'
import {
  BUILDER,
  COMMIT,
  EXECUTION,
  NEW,
  OTHER,
  PUBLIC_PEM,
  reportOf,
  REPOSITORY,
  sign,
  summaryOf,
} from '../deploy/gate/reports.ts'
import { folderOf } from './folder.ts'
import { runIn } from './run.ts'

const PIPELINE = 'driftseal-production'
const BUCKET = 'driftseal-production-artifacts-111122223333'
const TOKEN = '1a2b3c4d-1a2b-4c3d-8e4f-1a2b3c4d5e6f'
const EIF = writeEif([section(KERNEL, 'k'), section(CMDLINE, 'c'), section(RAMDISK, 'i'), section(RAMDISK, 'a')])
const EIF_PCR0 = registerOf(text('kcia'))

/** An approval as it waits, and what was decided about it. */
interface Waiting {
  status: string
  type: string
  mode: string
  refusal: AwsError | undefined
  readonly objects: Map<string, Uint8Array>
  readonly decisions: { status: string; summary: string }[]
}

let waiting: Waiting
let port: number

const named = v.object({ name: v.literal(PIPELINE) })
const decision = v.object({
  pipelineName: v.literal(PIPELINE),
  stageName: v.literal('Approve'),
  actionName: v.literal('ReviewPCR0'),
  token: v.string(),
  result: v.object({ status: v.picklist(['Approved', 'Rejected']), summary: v.pipe(v.string(), v.maxLength(512)) }),
})
const codePipeline = jsonService(
  'CodePipeline_20150709',
  new Map([
    [
      'GetPipeline',
      operation(named, () => {
        if (waiting.refusal !== undefined) throw waiting.refusal
        const artifactStore = { type: 'S3', location: BUCKET }
        return {
          pipeline: { name: PIPELINE, pipelineType: waiting.type, executionMode: waiting.mode, artifactStore },
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
            actionStates: [{ actionName: 'ReviewPCR0', latestExecution: { status: waiting.status, token: TOKEN } }],
          },
        ],
      })),
    ],
    [
      'GetPipelineExecution',
      operation(v.object({ pipelineName: v.string(), pipelineExecutionId: v.literal(EXECUTION) }), () => ({
        pipelineExecution: { artifactRevisions: [{ name: 'source', revisionId: COMMIT }] },
      })),
    ],
    [
      'PutApprovalResult',
      operation(decision, ({ token, result }) => {
        if (token !== TOKEN) throw new AwsError('InvalidApprovalTokenException', 'the token has changed')
        waiting.decisions.push(result)
        return { approvedAt: 0 }
      }),
    ],
  ]),
)

const server = createServer((request, response) => {
  if (request.method === 'POST') return codePipeline(request, response)
  const object = waiting.objects.get(new URL(request.url ?? '', 'http://s3').pathname)
  if (object === undefined) return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
  return response.writeHead(200, { 'content-length': object.length }).end(object)
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port // it listens on TCP
})
afterAll(() => void server.close())
beforeEach(async () => {
  waiting = { status: 'InProgress', type: 'V2', mode: 'QUEUED', refusal: undefined, objects: new Map(), decisions: [] }
  await store(reportOf())
})

async function store(report: Report): Promise<void> {
  const at = (name: string) => `/${BUCKET}/builds/${EXECUTION}/${COMMIT}/${name}`
  for (const [name, bytes] of Object.entries(report)) waiting.objects.set(at(name), bytes)
  waiting.objects.set(at(ENVELOPE_FILE), Buffer.from(JSON.stringify(await signReport(report, sign))))
}

async function gate(...args: readonly string[]) {
  const settings = {
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example-secret-key' },
    maxAttempts: 1,
  }
  const connect = async () => ({
    pipeline: new CodePipelineClient(settings),
    objects: new S3Client({ ...settings, forcePathStyle: true }),
  })
  return runIn((terminal, exit) => gateCommand(terminal, exit, connect), 'gate', ...args)
}
const files = () => folderOf({ 'signing.pem': PUBLIC_PEM, 'driftseal.eif': EIF })
const about = (folder: string) => [
  '--pipeline',
  PIPELINE,
  '--repository',
  REPOSITORY,
  '--key',
  join(folder, 'signing.pem'),
]

describe('gate show', () => {
  it('shows the report of the execution that waits, once it is proven', async () => {
    const { status, out } = await gate('show', ...about(files()))
    expect(status).toBe(0)
    expect(out).toMatch(/^VALID {2}signature, builder, source, parameters and subject/)
    expect(out).toContain(`- PCR0 \`${NEW}\``)
  })

  it('--json gives the summary', async () => {
    const { out } = await gate('show', '--json', ...about(files()))
    expect(JSON.parse(out)).toEqual({ execution: EXECUTION, summary: summaryOf() })
  })

  test.each<[string, () => Promise<void>, string]>([
    [
      'another file than was signed',
      async () =>
        void waiting.objects.set(`/${BUCKET}/builds/${EXECUTION}/${COMMIT}/build-summary.md`, Buffer.from('fine')),
      'ERR_GATE_SUBJECT',
    ],
    [
      'the report of another pipeline',
      async () => store(reportOf(summaryOf({ builder: { id: 'x', execution: EXECUTION } }))),
      'ERR_GATE_BUILDER',
    ],
    [
      'the report of another execution',
      async () => store(reportOf(summaryOf({ builder: { id: BUILDER, execution: 'x' } }))),
      'ERR_GATE_BUILDER',
    ],
    [
      'the report of another repository',
      async () => store(reportOf(summaryOf({ source: { ...summaryOf().source, repository: 'example/other' } }))),
      'ERR_GATE_SOURCE',
    ],
  ])('refuses %s: 3', async (_, change, code) => {
    await change()
    const { status, out, err } = await gate('show', ...about(files()))
    expect([status, out]).toEqual([3, ''])
    expect(err).toContain(`refused: ${code}: `)
  })

  test.each<[string, () => void, string]>([
    [
      'nothing waits',
      () => (waiting.status = 'Succeeded'),
      'nothing waits for approval in driftseal-production: Approve/ReviewPCR0 is Succeeded',
    ],
    ['executions replace one another', () => (waiting.mode = 'SUPERSEDED'), 'not a queued pipeline of type V2'],
    ['the pipeline is of the old type', () => (waiting.type = 'V1'), 'not a queued pipeline of type V2'],
    [
      'AWS refuses',
      () => (waiting.refusal = new AwsError('AccessDeniedException', 'no')),
      'cannot read the pipeline driftseal-production: your role may not do this',
    ],
    [
      'there is no such pipeline',
      () => (waiting.refusal = new AwsError('PipelineNotFoundException', 'no')),
      'there is no such pipeline',
    ],
    ['there is no report', () => waiting.objects.clear(), 'build-summary.json: there is no such object'],
  ])('says that %s', async (_, change, said) => {
    change()
    await expect(gate('show', ...about(files()))).rejects.toThrow(said)
  })
})

describe('gate approve', () => {
  const expectPcr0 = (pcr0: string) => ['--expect-pcr0', pcr0, '--rebuilt-by', 'security-reviewer']

  it('approves a PCR0 that was computed elsewhere', async () => {
    const { status, out } = await gate('approve', ...about(files()), ...expectPcr0(NEW))
    expect(status).toBe(0)
    const summary = `PCR0=${NEW} commit=${COMMIT} rebuilt-by=security-reviewer`
    expect(out).toBe(`APPROVED  ${summary}`)
    expect(waiting.decisions).toEqual([{ status: 'Approved', summary }])
  })

  it('measures an image file that the reviewer built', async () => {
    const folder = files()
    const eif = ['--eif', join(folder, 'driftseal.eif'), '--rebuilt-by', 'security-reviewer']
    const wrong = await gate('approve', ...about(folder), ...eif)
    expect(wrong.status).toBe(3)
    expect(wrong.err).toContain(`yours is PCR0 ${EIF_PCR0}, and the other ${NEW}: do not approve`)
    expect(waiting.decisions).toEqual([])

    const { measurement } = summaryOf()
    await store(reportOf(summaryOf({ measurement: { ...measurement, pcr0: EIF_PCR0 } })))
    expect((await gate('approve', ...about(folder), ...eif)).status).toBe(0)
    expect(waiting.decisions).toHaveLength(1)
  })

  it('refuses another PCR0 than the reviewer’s: 3', async () => {
    const { status, err } = await gate('approve', ...about(files()), ...expectPcr0(OTHER))
    expect([status, waiting.decisions]).toEqual([3, []])
    expect(err).toContain('refused: ERR_GATE_MEASUREMENT: ')
  })

  test.each<[string, readonly string[], string]>([
    ['no PCR0 of the reviewer’s own', ['--rebuilt-by', 'x'], 'name the PCR0 that you computed'],
    ['a record that is too long', ['--expect-pcr0', NEW, '--rebuilt-by', 'x'.repeat(400)], 'CodePipeline takes 512'],
  ])('does nothing with %s', async (_, options, said) => {
    await expect(gate('approve', ...about(files()), ...options)).rejects.toThrow(said)
    expect(waiting.decisions).toEqual([])
  })

  it('does nothing where nothing waits', async () => {
    waiting.status = 'Failed'
    await expect(gate('approve', ...about(files()), ...expectPcr0(NEW))).rejects.toThrow('nothing waits')
  })
})

it('gate reject says why', async () => {
  const { out } = await gate('reject', '--pipeline', PIPELINE, '--reason', 'a rule was softened')
  expect(out).toContain('REJECTED')
  expect(waiting.decisions).toEqual([{ status: 'Rejected', summary: `commit=${COMMIT} a rule was softened` }])
})
