import type { Agent } from 'node:https'
import type { credentialsFrom } from './credentials.ts'

const CONNECTION_TIMEOUT_MS = 20_000
/** Longer than SQS's long poll of 20 s. */
const REQUEST_TIMEOUT_MS = 30_000
const MAX_ATTEMPTS = 3

export interface AwsAccess {
  readonly region: string
  readonly agent: Agent
  readonly credentials: ReturnType<typeof credentialsFrom>
}

/** What every SDK client is given, so that none of them looks for settings anywhere else. */
export const clientSettings = ({ region, agent, credentials }: AwsAccess) => ({
  region,
  credentials,
  maxAttempts: MAX_ATTEMPTS,
  requestHandler: {
    httpsAgent: agent,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  },
})
