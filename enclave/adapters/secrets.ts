import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { HostBytes, Secrets } from '../ports.ts'
import { codeOf } from '../retry.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

export class SecretsError extends Error {
  readonly code: 'refused' | 'malformed'
  constructor(code: SecretsError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** KMS ciphertexts of a data key are under 200 bytes; the API's own bound for Decrypt is 6144. */
const MAX_WRAPPED = 6144

export function openSecrets(access: AwsAccess): Secrets {
  const client = new SecretsManagerClient(clientSettings(access))
  return {
    async fetch(secretId, stage) {
      const answer = await client
        .send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage }))
        .catch((error: unknown) => {
          if (error instanceof ResourceNotFoundException) return undefined
          throw new SecretsError('refused', `Secrets Manager gave no ${stage} of ${secretId}: ${codeOf(error)}`, error)
        })
      if (answer === undefined) return undefined
      const wrapped = answer.SecretBinary
      // The SDK hands on what is no base64 as it came, whatever its type says.
      const isBytes = wrapped instanceof Uint8Array && wrapped.length > 0 && wrapped.length <= MAX_WRAPPED
      if (!isBytes || !answer.VersionId) {
        throw new SecretsError(
          'malformed',
          `${stage} of ${secretId} is not a wrapped key (a binary of up to ${MAX_WRAPPED} bytes)`,
        )
      }
      return { version: answer.VersionId, wrapped: wrapped as HostBytes }
    },
  }
}
