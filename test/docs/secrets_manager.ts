import { KMSClient } from '@aws-sdk/client-kms'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { createServer, type RequestListener } from 'node:http'
import { onTestFinished } from 'vitest'
import { rotate } from '../../deploy/rotation/rotate.ts'
import { createKms } from '../../local/aws/kms.ts'
import { createSecrets } from '../../local/aws/secrets.ts'
import { CREDENTIALS, listening } from '../operator/child.ts'

const WORLD = { region: CREDENTIALS.AWS_REGION, account: '111122223333', now: () => new Date() }
const ENVIRONMENT = 'production'
/** As infra/ names their secrets. */
const PURPOSES = ['dek', 'identity'] as const
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const

/**
 * Secrets Manager with both keys' secrets, empty or with a first version, and their rotation function: a rotation is over
 * before anything else is answered. Answers where it is.
 */
export async function startSecretsManager({ filled }: { readonly filled: boolean }): Promise<string> {
  const [secretsManager, kms] = [createSecrets(WORLD), createKms({ ...WORLD, root: new Uint8Array() })]
  const contextOf = (purpose: string) => ({ service: 'driftseal', environment: ENVIRONMENT, purpose })
  const keyArn = kms.createKey('2f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2', {
    decrypt: ['00'.repeat(48)],
    generate: [
      { action: 'GenerateDataKeyWithoutPlaintext', context: contextOf('dek') },
      { action: 'GenerateDataKeyPairWithoutPlaintext', context: contextOf('identity') },
    ],
  })
  const settingsOf = async (service: RequestListener) => ({
    region: WORLD.region,
    endpoint: await listening(createServer(service)),
    credentials: { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY },
  })
  const clients = {
    secrets: new SecretsManagerClient(await settingsOf(secretsManager.service)),
    kms: new KMSClient(await settingsOf(kms.service)),
  }

  async function runFunction(): Promise<void> {
    for (const purpose of PURPOSES) {
      const secret = `driftseal-${ENVIRONMENT}/${purpose}`
      const { VersionIdsToStages = {} } = await clients.secrets.send(new DescribeSecretCommand({ SecretId: secret }))
      const pending = Object.entries(VersionIdsToStages).filter(([, stages]) => stages.includes('AWSPENDING'))
      for (const [token] of pending)
        for (const step of STEPS)
          await rotate({ step, secret, token }, { keyArn, environment: ENVIRONMENT, purpose }, clients)
    }
  }
  for (const purpose of PURPOSES) {
    const secret = `driftseal-${ENVIRONMENT}/${purpose}`
    await clients.secrets.send(new CreateSecretCommand({ Name: secret }))
    if (filled) await clients.secrets.send(new RotateSecretCommand({ SecretId: secret }))
  }
  await runFunction()

  let rotated = Promise.resolve()
  const inTurn: RequestListener = (request, response) => {
    const before = rotated
    if (String(request.headers['x-amz-target']).endsWith('.RotateSecret')) {
      const answered = new Promise((resolve) => response.once('finish', resolve))
      rotated = answered.then(runFunction)
    }
    void before.then(() => secretsManager.service(request, response))
  }
  const endpoint = await listening(createServer(inTurn))
  onTestFinished(async () => rotated)
  return endpoint
}
