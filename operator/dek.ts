import {
  DescribeSecretCommand,
  ListSecretVersionIdsCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { asking } from '../deploy/aws.ts'
import { InputError } from './inputs.ts'

export type SecretsClient = Pick<SecretsManagerClient, 'send'>

/** What is known of a wrapped key, which is never its bytes. */
export interface SecretStatus {
  readonly name: string
  readonly rotates: boolean
  readonly versions: readonly { readonly id: string; readonly stages: readonly string[]; readonly made: Date | null }[]
}

const CURRENT = 'AWSCURRENT'
const PENDING = 'AWSPENDING'

export async function statusOf(secret: string, client: SecretsClient): Promise<SecretStatus> {
  const { Name = secret, RotationEnabled = false } = await asking(`describe ${secret}`, () =>
    client.send(new DescribeSecretCommand({ SecretId: secret })),
  )
  const { Versions = [] } = await asking(`list the versions of ${secret}`, () =>
    client.send(new ListSecretVersionIdsCommand({ SecretId: secret })),
  )
  const versions = Versions.map(({ VersionId = '', VersionStages = [], CreatedDate = null }) => ({
    id: VersionId,
    stages: VersionStages.toSorted(),
    made: CreatedDate,
  }))
  return {
    name: Name,
    rotates: RotationEnabled,
    versions: versions.toSorted((a, b) => millis(b.made) - millis(a.made)),
  }
}

/** Has the first version made, of a secret that has none. KMS makes it, and nobody sees it. */
export async function provision(secret: string, lambda: string | undefined, client: SecretsClient): Promise<string> {
  const { versions } = await statusOf(secret, client)
  if (isAt(CURRENT, versions)) throw new InputError(`${secret} has a key already: "driftseal dek rotate" replaces it`)
  return startRotation(secret, lambda, client)
}

/** Has the next version made; enclaves take it up by themselves. */
export async function rotate(secret: string, lambda: string | undefined, client: SecretsClient): Promise<string> {
  const { versions } = await statusOf(secret, client)
  if (!isAt(CURRENT, versions))
    throw new InputError(`${secret} has no key to replace: "driftseal dek provision" makes one`)
  if (versions.some(({ stages }) => stages.includes(PENDING) && !stages.includes(CURRENT)))
    throw new InputError(
      `a rotation of ${secret} is under way, or has failed: the log of the rotation function says why`,
    )
  return startRotation(secret, lambda, client)
}

async function startRotation(secret: string, lambda: string | undefined, client: SecretsClient): Promise<string> {
  const { VersionId = '' } = await asking(`rotate ${secret}`, () =>
    client.send(
      new RotateSecretCommand({ SecretId: secret, ...(lambda === undefined ? {} : { RotationLambdaARN: lambda }) }),
    ),
  )
  return VersionId
}

const isAt = (stage: string, versions: SecretStatus['versions']): boolean =>
  versions.some(({ stages }) => stages.includes(stage))

const millis = (date: Date | null): number => date?.getTime() ?? 0
