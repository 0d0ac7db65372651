import { KMSClient } from '@aws-sdk/client-kms'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { env } from 'node:process'
import { parseRotation, RotationError } from './request.ts'
import { rotate, type Wrapping } from './rotate.ts'

/** The Lambda function behind `aws secretsmanager rotate-secret`; infra/rotation.tf sets what it reads here. */
const clients = { secrets: new SecretsManagerClient(), kms: new KMSClient() }
const keyArn = setting('KMS_KEY_ARN')
const environment = setting('ENVIRONMENT')
const purposes: ReadonlyMap<string, Wrapping['purpose']> = new Map([
  [setting('DEK_SECRET_ARN'), 'dek'],
  [setting('IDENTITY_SECRET_ARN'), 'identity'],
])

export async function handler(event: unknown): Promise<void> {
  const request = parseRotation(event)
  const purpose = purposes.get(request.secret)
  if (purpose === undefined) throw new RotationError('ERR_ROTATION_REQUEST', 'this function does not make that secret')
  await rotate(request, { keyArn, environment, purpose }, clients)
}

function setting(name: string): string {
  const value = env[name]
  if (value) return value
  throw new RotationError('ERR_ROTATION_SETTINGS', `${name} is not set: see infra/rotation.tf`)
}
