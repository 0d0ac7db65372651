import {
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { RotationError, type Rotation } from './request.ts'

/**
 * What a ciphertext of KMS around 32 bytes or a P-256 key measures, with room: an answer outside is not stored. What is
 * inside is for the enclave to judge, which alone can open it.
 */
const MIN_WRAPPED_BYTES = 64
const MAX_WRAPPED_BYTES = 1024

const CURRENT = 'AWSCURRENT'
const PREVIOUS = 'AWSPREVIOUS'
const PENDING = 'AWSPENDING'

/** What one secret holds: a key that KMS made under `keyArn`, for one purpose in one environment. */
export interface Wrapping {
  readonly keyArn: string
  readonly environment: string
  readonly purpose: 'dek' | 'identity'
}

export interface Clients {
  readonly secrets: Pick<SecretsManagerClient, 'send'>
  readonly kms: Pick<KMSClient, 'send'>
}

/**
 * One step of Secrets Manager's rotation. The first version of an empty secret is made the same way. Nobody sees a key:
 * KMS makes it and gives out only its ciphertext. Every step may come twice.
 */
export async function rotate(request: Rotation, wrapping: Wrapping, clients: Clients): Promise<void> {
  const stages = await versionStages(request, clients)
  const mine = stages[request.token]
  if (mine === undefined)
    throw new RotationError('ERR_ROTATION_VERSION', 'the secret has no such version: start over with rotate-secret')
  if (mine.includes(CURRENT)) return
  if (!mine.includes(PENDING))
    throw new RotationError('ERR_ROTATION_VERSION', 'the version is not pending: start over with rotate-secret')
  switch (request.step) {
    case 'createSecret':
      return create(request, wrapping, clients)
    case 'setSecret':
      return // nothing else holds the key: the enclave fetches it from here
    case 'testSecret':
      return test(request, clients)
    case 'finishSecret':
      return finish(request, stages, clients)
  }
}

type Stages = Readonly<Record<string, readonly string[]>>

async function versionStages({ secret }: Rotation, { secrets }: Clients): Promise<Stages> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId: secret }))
  return VersionIdsToStages
}

async function create(request: Rotation, wrapping: Wrapping, clients: Clients): Promise<void> {
  if ((await valueOf(request, PENDING, clients)) !== undefined) return
  const wrapped = await generate(wrapping, clients)
  requireShape(wrapped)
  await clients.secrets.send(
    new PutSecretValueCommand({
      SecretId: request.secret,
      ClientRequestToken: request.token,
      SecretBinary: wrapped,
      VersionStages: [PENDING],
    }),
  )
}

async function generate({ keyArn, environment, purpose }: Wrapping, { kms }: Clients): Promise<Uint8Array> {
  const common = { KeyId: keyArn, EncryptionContext: { service: 'driftseal', environment, purpose } }
  if (purpose === 'dek') {
    const made = await kms.send(new GenerateDataKeyWithoutPlaintextCommand({ ...common, KeySpec: 'AES_256' }))
    return madeWith(keyArn, made.KeyId, made.CiphertextBlob)
  }
  const made = await kms.send(
    new GenerateDataKeyPairWithoutPlaintextCommand({ ...common, KeyPairSpec: 'ECC_NIST_P256' }),
  )
  return madeWith(keyArn, made.KeyId, made.PrivateKeyCiphertextBlob)
}

/** Another key has another policy: what it wraps might open without attestation. */
function madeWith(keyArn: string, used: string | undefined, wrapped: Uint8Array | undefined): Uint8Array {
  if (used === keyArn && wrapped !== undefined) return wrapped
  throw new RotationError('ERR_ROTATION_KEY', 'KMS answered with another key than the configured one')
}

/** The new version is a wrapped key, and neither of the ones before it: that would be refused as rolled back. */
async function test(request: Rotation, clients: Clients): Promise<void> {
  const pending = await valueOf(request, PENDING, clients)
  if (pending === undefined)
    throw new RotationError('ERR_ROTATION_SHAPE', 'the pending version is empty: start over with rotate-secret')
  requireShape(pending)
  for (const stage of [CURRENT, PREVIOUS]) {
    const earlier = await valueOf(request, stage, clients)
    if (earlier !== undefined && Buffer.compare(earlier, pending) === 0)
      throw new RotationError('ERR_ROTATION_SHAPE', `the pending version is the one of ${stage}: it must be new`)
  }
}

async function finish({ secret, token }: Rotation, stages: Stages, { secrets }: Clients): Promise<void> {
  const before = Object.keys(stages).find((version) => stages[version]?.includes(CURRENT))
  await secrets.send(
    new UpdateSecretVersionStageCommand({
      SecretId: secret,
      VersionStage: CURRENT,
      MoveToVersionId: token,
      RemoveFromVersionId: before,
    }),
  )
}

/** What stands at a stage; undefined where nothing does. */
async function valueOf(
  { secret, token }: Rotation,
  stage: string,
  { secrets }: Clients,
): Promise<Uint8Array | undefined> {
  const version = stage === PENDING ? { VersionId: token } : {}
  try {
    const { SecretBinary } = await secrets.send(
      new GetSecretValueCommand({ SecretId: secret, VersionStage: stage, ...version }),
    )
    if (SecretBinary !== undefined) return SecretBinary
    throw new RotationError('ERR_ROTATION_SHAPE', `${stage} of the secret is text: a wrapped key is binary`)
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

function requireShape(wrapped: Uint8Array): void {
  if (wrapped.length < MIN_WRAPPED_BYTES || wrapped.length > MAX_WRAPPED_BYTES)
    throw new RotationError(
      'ERR_ROTATION_SHAPE',
      `a wrapped key has ${MIN_WRAPPED_BYTES} to ${MAX_WRAPPED_BYTES} bytes`,
    )
}
