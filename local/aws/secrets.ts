import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import * as v from 'valibot'
import { AwsError, base64, blob, jsonService, operation } from './protocol.ts'

export interface Secrets {
  readonly service: RequestListener
  /** A new AWSCURRENT; what was current becomes AWSPREVIOUS. Makes the secret when there is none. */
  put(name: string, value: Uint8Array): void
  /** What a host that can write to the secret might do: other bytes under the same version and stage. */
  replace(name: string, stage: string, value: Uint8Array): void
}

const MAX_SECRET = 65_536
const MAX_VERSIONS = 100
const CURRENT = 'AWSCURRENT'
const PREVIOUS = 'AWSPREVIOUS'

interface Version {
  /** Undefined between the start of a rotation and the rotation function's answer. */
  value: { readonly SecretBinary: string } | { readonly SecretString: string } | undefined
  readonly created: number
}

interface Secret {
  readonly name: string
  readonly arn: string
  readonly created: number
  readonly versions: Map<string, Version>
  /** Each staging label is at one version. */
  readonly stages: Map<string, string>
}

const name = v.pipe(v.string(), v.regex(/^[\w/+=.@-]{1,512}$/))
const secretId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048))
const versionId = v.pipe(v.string(), v.minLength(32), v.maxLength(64))
const stage = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
const value = {
  SecretBinary: v.optional(v.pipe(blob(MAX_SECRET), v.transform(base64))),
  SecretString: v.optional(v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_SECRET))),
  ClientRequestToken: v.optional(versionId),
}

export function createSecrets(world: { region: string; account: string; now: () => Date }): Secrets {
  const secrets = new Map<string, Secret>()

  /** By name, or by the ARN that a client may send instead. */
  function find(id: string): Secret {
    const secret = secrets.get(id) ?? secrets.values().find(({ arn }) => arn === id)
    if (secret === undefined) {
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
    }
    return secret
  }

  function create(secretName: string): Secret {
    if (secrets.has(secretName))
      throw new AwsError('ResourceExistsException', `the secret ${secretName} already exists`)
    const arn = `arn:aws:secretsmanager:${world.region}:${world.account}:secret:${secretName}-${randomUUID().slice(0, 6)}`
    const secret = { name: secretName, arn, created: seconds(world.now()), versions: new Map(), stages: new Map() }
    secrets.set(secretName, secret)
    return secret
  }

  function add(secret: Secret, id: string, content: Version['value'], stages: readonly string[]): void {
    const existing = secret.versions.get(id)
    if (existing?.value !== undefined && JSON.stringify(existing.value) !== JSON.stringify(content)) {
      throw new AwsError('ResourceExistsException', 'this version exists already with another value')
    }
    if (existing?.value === undefined) {
      if (secret.versions.size >= MAX_VERSIONS) {
        throw new AwsError('LimitExceededException', `a secret has at most ${MAX_VERSIONS} versions`)
      }
      secret.versions.set(id, { value: content, created: seconds(world.now()) })
    }
    for (const label of stages) move(secret, label, id)
  }

  function move(secret: Secret, label: string, id: string): void {
    const before = secret.stages.get(label)
    if (label === CURRENT && before !== undefined && before !== id) secret.stages.set(PREVIOUS, before)
    secret.stages.set(label, id)
  }

  const operations = new Map([
    [
      'CreateSecret',
      operation(v.object({ Name: name, ...value }), (input) => {
        const isEmpty = input.SecretBinary === undefined && input.SecretString === undefined
        const content = isEmpty ? undefined : contentOf(input)
        const secret = create(input.Name)
        if (content === undefined) return { ARN: secret.arn, Name: secret.name } // as Terraform makes it
        const id = input.ClientRequestToken ?? randomUUID()
        add(secret, id, content, [CURRENT])
        return { ARN: secret.arn, Name: secret.name, VersionId: id }
      }),
    ],
    [
      'PutSecretValue',
      operation(v.object({ SecretId: secretId, VersionStages: v.optional(v.array(stage)), ...value }), (input) => {
        const secret = find(input.SecretId)
        const id = input.ClientRequestToken ?? randomUUID()
        const stages = input.VersionStages ?? [CURRENT]
        add(secret, id, contentOf(input), stages)
        return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: stages }
      }),
    ],
    [
      'GetSecretValue',
      operation(
        v.object({ SecretId: secretId, VersionId: v.optional(versionId), VersionStage: v.optional(stage) }),
        (input) => {
          const secret = find(input.SecretId)
          const { id, version } = select(secret, input.VersionId, input.VersionStage)
          return {
            ARN: secret.arn,
            Name: secret.name,
            VersionId: id,
            VersionStages: stagesOf(secret, id),
            CreatedDate: version.created,
            ...version.value,
          }
        },
      ),
    ],
    [
      'RotateSecret',
      operation(v.object({ SecretId: secretId, ClientRequestToken: versionId }), (input) => {
        const secret = find(input.SecretId)
        // The version is empty until the rotation function, which is the caller's to run here, has filled it.
        add(secret, input.ClientRequestToken, undefined, ['AWSPENDING'])
        return { ARN: secret.arn, Name: secret.name, VersionId: input.ClientRequestToken }
      }),
    ],
    [
      'UpdateSecretVersionStage',
      operation(
        v.object({
          SecretId: secretId,
          VersionStage: stage,
          MoveToVersionId: versionId,
          RemoveFromVersionId: v.optional(versionId),
        }),
        (input) => {
          const secret = find(input.SecretId)
          const at = secret.stages.get(input.VersionStage)
          if (at !== undefined && at !== input.MoveToVersionId && at !== input.RemoveFromVersionId) {
            throw new AwsError('InvalidParameterException', 'RemoveFromVersionId must name the version with the label')
          }
          if (secret.versions.get(input.MoveToVersionId)?.value === undefined) {
            throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the version")
          }
          move(secret, input.VersionStage, input.MoveToVersionId)
          return { ARN: secret.arn, Name: secret.name }
        },
      ),
    ],
    [
      'DescribeSecret',
      operation(v.object({ SecretId: secretId }), (input) => {
        const secret = find(input.SecretId)
        const staged = new Set(secret.stages.values())
        return {
          ARN: secret.arn,
          Name: secret.name,
          CreatedDate: secret.created,
          VersionIdsToStages: Object.fromEntries([...staged].map((id) => [id, stagesOf(secret, id)])),
        }
      }),
    ],
    [
      'ListSecretVersionIds',
      operation(v.object({ SecretId: secretId }), (input) => {
        const secret = find(input.SecretId)
        const staged = [...secret.versions].filter(([id]) => stagesOf(secret, id).length > 0)
        return {
          ARN: secret.arn,
          Name: secret.name,
          Versions: staged.map(([VersionId, { created: CreatedDate }]) => ({
            VersionId,
            VersionStages: stagesOf(secret, VersionId),
            CreatedDate,
          })),
        }
      }),
    ],
  ])

  return {
    service: jsonService('secretsmanager', operations),
    put(secretName, bytes) {
      add(secrets.get(secretName) ?? create(secretName), randomUUID(), { SecretBinary: base64(bytes) }, [CURRENT])
    },
    replace(secretName, label, bytes) {
      select(find(secretName), undefined, label).version.value = { SecretBinary: base64(bytes) }
    },
  }
}

function contentOf(input: { SecretBinary?: string | undefined; SecretString?: string | undefined }): Version['value'] {
  const { SecretBinary, SecretString } = input
  if (SecretBinary !== undefined && SecretString === undefined) return { SecretBinary }
  if (SecretString !== undefined && SecretBinary === undefined) return { SecretString }
  throw new AwsError('InvalidParameterException', 'give either SecretBinary or SecretString')
}

function select(secret: Secret, id: string | undefined, label: string | undefined): { id: string; version: Version } {
  const staged = secret.stages.get(label ?? CURRENT)
  if (id !== undefined && label !== undefined && staged !== id) {
    throw new AwsError('InvalidRequestException', 'this VersionStage is not at this VersionId')
  }
  const chosen = id ?? staged
  const version = chosen === undefined ? undefined : secret.versions.get(chosen)
  if (chosen === undefined || version?.value === undefined) {
    const missing = id === undefined ? `staging label: ${label ?? CURRENT}` : `VersionId: ${id}`
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${missing}`,
    )
  }
  return { id: chosen, version }
}

const stagesOf = (secret: Secret, id: string): string[] =>
  [...secret.stages].filter(([, at]) => at === id).map(([label]) => label)

/** Times in AWS JSON 1.1 are seconds since the epoch. */
const seconds = (date: Date): number => date.getTime() / 1000
