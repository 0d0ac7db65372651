import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { Archive, HostBytes } from '../ports.ts'
import { codeOf } from '../retry.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

export class ArchiveError extends Error {
  readonly code: 'refused' | 'too-large'
  constructor(code: ArchiveError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** What one event leads to is far below this. */
const MAX_OBJECT = 64 << 20
/** As many names as the parent may list. */
const MAX_NAMES = 2_000_000
const PRECONDITION_FAILED = 412

/** A bucket under a prefix. Nothing is ever replaced there; that nobody else does either is its Object Lock's part. */
export function openS3Ledger(access: AwsAccess, { bucket, prefix }: { bucket: string; prefix: string }): Archive {
  const client = new S3Client(clientSettings(access))
  return {
    async create(name, object) {
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + name, Body: object, IfNoneMatch: '*' }))
        return 'created'
      } catch (error) {
        if (statusOf(error) === PRECONDITION_FAILED) return 'taken'
        throw refused('store an entry', error)
      }
    },
    async get(name) {
      try {
        const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + name }))
        // node:http reads no more than the length that was announced.
        if (ContentLength === undefined || ContentLength > MAX_OBJECT) {
          throw new ArchiveError('too-large', `an entry of the ledger in S3 is over ${MAX_OBJECT} bytes`)
        }
        return ((await Body?.transformToByteArray()) ?? new Uint8Array()) as HostBytes
      } catch (error) {
        if (error instanceof ArchiveError) throw error
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined
        throw refused('give an entry', error)
      }
    },
    async list(start) {
      const names: string[] = []
      let token: string | undefined
      do {
        const page = await client
          .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + start, ContinuationToken: token }))
          .catch((error: unknown) => {
            throw refused('list the ledger', error)
          })
        names.push(...(page.Contents ?? []).map(({ Key }) => (Key ?? '').slice(prefix.length)))
        if (names.length > MAX_NAMES) throw new ArchiveError('too-large', `the ledger has over ${MAX_NAMES} objects`)
        token = page.NextContinuationToken
      } while (token !== undefined)
      return names
    },
  }
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

const refused = (what: string, cause: unknown): ArchiveError =>
  new ArchiveError('refused', `S3 did not ${what}: ${codeOf(cause)}`, cause)
