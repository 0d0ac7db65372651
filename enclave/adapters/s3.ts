import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { HostBytes, States } from '../ports.ts'
import { codeOf } from '../retry.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

export class StatesError extends Error {
  readonly code: 'refused' | 'too-large'
  constructor(code: StatesError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

const MAX_STATE_BYTES = 256 << 20
const NOT_MODIFIED = 304

export function openS3States(access: AwsAccess): States {
  const client = new S3Client(clientSettings(access))
  return {
    async fetch({ bucket, key }, known) {
      try {
        const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfNoneMatch: known }))
        const bytes = await read(answer.Body as AsyncIterable<Uint8Array>) // in Node the body is a Readable
        return { kind: 'found', version: answer.ETag ?? '', bytes }
      } catch (error) {
        if (error instanceof StatesError) throw error
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === NOT_MODIFIED) {
          return { kind: 'unchanged' }
        }
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return { kind: 'missing' }
        throw new StatesError('refused', `S3 gave no state: ${codeOf(error)}`, error)
      }
    },
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<HostBytes> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_STATE_BYTES) throw new StatesError('too-large', `a state is over ${MAX_STATE_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks) as Uint8Array as HostBytes
}
