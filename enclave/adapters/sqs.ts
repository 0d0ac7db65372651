import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { HostBytes, Queue } from '../ports.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

export class QueueError extends Error {
  readonly code = 'not-removed'
}

const LONG_POLL_SECS = 20
/** SQS's own limit for one receive and one batch. */
const BATCH = 10

export function openSqs(access: AwsAccess, queue: string, visibilitySecs: number): Queue {
  const client = new SQSClient(clientSettings(access))
  return {
    async receive(signal) {
      const answer = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queue,
          MaxNumberOfMessages: BATCH,
          WaitTimeSeconds: LONG_POLL_SECS,
          VisibilityTimeout: visibilitySecs,
        }),
        { abortSignal: signal },
      )
      return (answer.Messages ?? []).map((message) => ({
        id: message.MessageId ?? '',
        receipt: message.ReceiptHandle ?? '',
        body: Buffer.from(message.Body ?? '') as Uint8Array as HostBytes,
      }))
    },
    async remove(messages) {
      if (messages.length === 0) return
      const Entries = messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }))
      const answer = await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue, Entries }))
      if (answer.Failed?.length) throw new QueueError(`${answer.Failed.length} messages could not be removed`)
    },
    async hide(message, seconds) {
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queue,
          ReceiptHandle: message.receipt,
          VisibilityTimeout: seconds,
        }),
      )
    },
  }
}
