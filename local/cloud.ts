import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Ready } from './aws/aws.ts'
import { agentTo } from './aws/front.ts'
import { cloudPrincipal } from './principals.ts'

/** What happens in the account, seen from outside the enclave: EventBridge fills the queues, Terraform writes states. */
export interface Cloud {
  send(body: string): Promise<void>
  putState(bucket: string, key: string, state: string): Promise<void>
  /** Messages in the queue, those that are hidden included. */
  depth(): Promise<number>
  close(): void
}

export function openCloud(aws: Ready, ca: string, region: string, queues: { events: string; states?: string }): Cloud {
  const agent = agentTo({ port: aws.port, ca })
  const settings = {
    region,
    credentials: cloudPrincipal.credentials,
    requestHandler: { httpsAgent: agent },
  }
  const sqs = new SQSClient(settings)
  const s3 = new S3Client(settings)
  const put = (queue: string, body: string) => sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: body }))
  return {
    async send(body) {
      await put(queues.events, body)
    },
    async putState(bucket, key, state) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: state }))
      if (queues.states === undefined) return
      const detail = { bucket: { name: bucket }, object: { key, size: state.length } }
      const notice = { version: '0', source: 'aws.s3', 'detail-type': 'Object Created', region, detail }
      await put(queues.states, JSON.stringify(notice))
    },
    async depth() {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: queues.events,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      )
      return Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0)
    },
    close() {
      agent.destroy()
    },
  }
}
