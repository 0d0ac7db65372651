import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { KeyObject } from 'node:crypto'
import { ENVELOPE_FILE, type Report, verifyReport } from '../deploy/gate/provenance.ts'
import type { Summary } from '../deploy/gate/summary.ts'
import { asking } from '../deploy/aws.ts'
import type { Pending } from './gate_pending.ts'
import { InputError } from './inputs.ts'

export type ObjectsClient = Pick<S3Client, 'send'>

const MAX_FILE_BYTES = 32 * 1024 * 1024

export interface ProvenReport {
  readonly summary: Summary
  readonly markdown: string
}

/** Fetches the report of the very execution that waits, and proves it by the pinned key. */
export async function fetchReport(
  pending: Pending,
  repository: string,
  key: KeyObject,
  client: ObjectsClient,
): Promise<ProvenReport> {
  const { bucket, execution, commit, builder } = pending
  const fetch = (name: string) => objectAt(client, bucket, `builds/${execution}/${commit}/${name}`)
  const report: Report = {
    'build-summary.json': await fetch('build-summary.json'),
    'build-summary.md': await fetch('build-summary.md'),
    'sbom.cdx.json': await fetch('sbom.cdx.json'),
  }
  const envelope = (await fetch(ENVELOPE_FILE)).toString('utf8')
  const summary = verifyReport(report, envelope, key, { builder, execution, repository, commit })
  return { summary, markdown: Buffer.from(report['build-summary.md']).toString('utf8') }
}

async function objectAt(client: ObjectsClient, bucket: string, key: string): Promise<Buffer> {
  return asking(`fetch s3://${bucket}/${key}`, async () => {
    const { Body, ContentLength = Infinity } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    if (Body === undefined || ContentLength > MAX_FILE_BYTES)
      throw new InputError(`s3://${bucket}/${key}: no report is over ${MAX_FILE_BYTES} bytes`)
    return Buffer.from(await Body.transformToByteArray())
  })
}
