import { KMSClient } from '@aws-sdk/client-kms'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { RequestListener } from 'node:http'
import { createCa } from '../../../local/aws/ca.ts'
import { serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { clientTo, REGION } from './clients.ts'

interface KeyServices {
  readonly kms: RequestListener
  readonly secretsmanager: RequestListener
}
type Access = Parameters<typeof serveFront>[0]['access']

/** KMS and Secrets Manager behind a front, where there is nothing else, and SDK clients of both. */
export async function serveKeyServices(
  services: KeyServices,
  access: Access = () => 'allowed',
): Promise<{ front: Front; clients: { secrets: SecretsManagerClient; kms: KMSClient } }> {
  const ca = await createCa(new Date())
  const foreign: RequestListener = (_request, response) => void response.writeHead(404).end()
  const front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { ...services, sqs: foreign, s3: foreign, rolesanywhere: foreign, monitoring: foreign },
    access,
  })
  const settings = clientTo({ port: front.port, ca: ca.pem })
  return { front, clients: { secrets: new SecretsManagerClient(settings), kms: new KMSClient(settings) } }
}
