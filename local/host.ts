import { readFile } from 'node:fs/promises'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { agentTo } from './aws/front.ts'
import { hostPrincipal } from './principals.ts'
import { LEDGER, STATE, type Stack } from './stack.ts'
import { REGION } from './story.ts'

/** What a host gets that uses the credentials it has for what it would like to have. */
export async function tryAsHost(stack: Stack): Promise<readonly { what: string; answer: string }[]> {
  const agent = agentTo({ port: stack.aws.port, ca: await readFile(stack.aws.caFile, 'utf8') })
  const settings = { region: REGION, credentials: hostPrincipal.credentials, requestHandler: { httpsAgent: agent } }
  const [s3, sqs] = [new S3Client(settings), new SQSClient(settings)]
  const [QueueUrl] = Object.values(stack.aws.queueUrls)
  const attempts: readonly [what: string, attempt: () => Promise<unknown>][] = [
    ['read the state', () => s3.send(new GetObjectCommand({ Bucket: STATE.bucket, Key: STATE.key }))],
    ['write to the ledger', () => s3.send(new PutObjectCommand({ Bucket: LEDGER.bucket, Key: 'any', Body: 'any' }))],
    ['receive an event', () => sqs.send(new ReceiveMessageCommand({ QueueUrl }))],
    ['delete an event', () => sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'any' }))],
  ]
  try {
    return await Promise.all(
      attempts.map(async ([what, attempt]) => ({
        what,
        answer: await attempt().then(
          () => 'allowed',
          (error: unknown) => (error instanceof Error ? error.name : 'failed'),
        ),
      })),
    )
  } finally {
    agent.destroy()
  }
}
