import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Ready } from './aws/aws.ts'
import { agentTo } from './aws/front.ts'
import { cloudPrincipal } from './principals.ts'

/** What happens in the account, seen from outside the enclave: EventBridge fills the queue, Terraform writes states. */
export interface Cloud {
  send(body: string): Promise<void>
  putState(bucket: string, key: string, state: string): Promise<void>
  /** Messages in the queue, those that are hidden included. */
  depth(): Promise<number>
  close(): void
}

export function openCloud(aws: Ready, ca: string, region: string, queue: string): Cloud {
  const agent = agentTo({ port: aws.port, ca })
  const settings = {
    region,
    credentials: cloudPrincipal.credentials,
    requestHandler: { httpsAgent: agent },
  }
  const sqs = new SQSClient(settings)
  const s3 = new S3Client(settings)
  return {
    async send(body) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: body }))
    },
    async putState(bucket, key, state) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: state }))
    },
    async depth() {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: queue,
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
