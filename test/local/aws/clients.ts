import { agentTo } from '../../../local/aws/front.ts'

export const REGION = 'us-east-1'
export const ACCOUNT = '111122223333'

/** Settings for an unmodified SDK client whose connections, and nothing else about it, go to the front. */
export const clientTo = (front: { port: number; ca: string }) => ({
  region: REGION,
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example-secret-key' },
  maxAttempts: 1,
  requestHandler: { httpsAgent: agentTo(front) },
})
