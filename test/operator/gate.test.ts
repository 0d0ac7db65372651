import { CodePipelineClient } from '@aws-sdk/client-codepipeline'
import { S3Client } from '@aws-sdk/client-s3'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { AwsError } from '../../local/aws/protocol.ts'
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
  summaryOf,
} from '../deploy/gate/reports.ts'
import { folderOf } from './folder.ts'
import { createGateServer, PIPELINE, placeOf, store, type Waiting, waitingFor } from './gate_stand_in.ts'
import { runIn } from './run.ts'

const EIF = writeEif([section(KERNEL, 'k'), section(CMDLINE, 'c'), section(RAMDISK, 'i'), section(RAMDISK, 'a')])
const EIF_PCR0 = registerOf(text('kcia'))

let waiting: Waiting
let port: number

const server = createGateServer(() => waiting)
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port // it listens on TCP
})
afterAll(() => void server.close())
beforeEach(async () => {
  waiting = waitingFor()
  await store(waiting, reportOf())
})

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
      async () => void waiting.objects.set(placeOf(waiting, 'build-summary.md'), Buffer.from('fine')),
      'ERR_GATE_SUBJECT',
    ],
    [
      'the report of another pipeline',
      async () => store(waiting, reportOf(summaryOf({ builder: { id: 'x', execution: EXECUTION } }))),
      'ERR_GATE_BUILDER',
    ],
    [
      'the report of another execution',
      async () => store(waiting, reportOf(summaryOf({ builder: { id: BUILDER, execution: 'x' } }))),
      'ERR_GATE_BUILDER',
    ],
    [
      'the report of another repository',
      async () =>
        store(waiting, reportOf(summaryOf({ source: { ...summaryOf().source, repository: 'example/other' } }))),
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
    await store(waiting, reportOf(summaryOf({ measurement: { ...measurement, pcr0: EIF_PCR0 } })))
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
