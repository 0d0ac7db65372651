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
      let failed = 0
      for (let at = 0; at < messages.length; at += BATCH) {
        const batch = messages.slice(at, at + BATCH)
        const Entries = batch.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }))
        const answer = await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue, Entries }))
        failed += answer.Failed?.length ?? 0
      }
      if (failed > 0) throw new QueueError(`${failed} messages could not be removed`)
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
