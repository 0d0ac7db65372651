import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type GetSecretValueCommandInput,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createCa } from '../../../local/aws/ca.ts'
import { serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { createSecrets, type Secrets } from '../../../local/aws/secrets.ts'
import { ACCOUNT, clientTo, REGION } from './clients.ts'

const NAME = 'driftseal/dek'
const [ONE, TWO, THREE] = [Buffer.from('one'), Buffer.from('two'), Buffer.from('three')]
const NOW = new Date('2026-11-21T12:00:00.250Z')

let secrets: Secrets
let front: Front
let client: SecretsManagerClient

beforeAll(async () => {
  const ca = await createCa(new Date())
  const current: Secrets['service'] = (request, response) => secrets.service(request, response)
  front = await serveFront({
    region: REGION,
    certificate: await ca.issue(hostsOf(REGION)),
    services: { kms: current, secretsmanager: current, sqs: current, s3: current, rolesanywhere: current },
    access: () => 'allowed',
  })
  client = new SecretsManagerClient(clientTo({ port: front.port, ca: ca.pem }))
})
afterAll(() => front.close())
beforeEach(() => {
  secrets = createSecrets({ region: REGION, account: ACCOUNT, now: () => NOW })
})

const get = async (which: Partial<GetSecretValueCommandInput> = {}) =>
  client.send(new GetSecretValueCommand({ SecretId: NAME, ...which }))
const text = async (which?: Partial<GetSecretValueCommandInput>) =>
  Buffer.from((await get(which)).SecretBinary ?? []).toString()

describe('Secrets Manager by the SDK', () => {
  test('a put moves the stages', async () => {
    const made = await client.send(new CreateSecretCommand({ Name: NAME, SecretBinary: ONE }))
    expect(await get()).toMatchObject({
      ARN: made.ARN,
      Name: NAME,
      VersionId: made.VersionId,
      VersionStages: ['AWSCURRENT'],
      CreatedDate: NOW,
      SecretBinary: Uint8Array.from(ONE),
    })
    const put = await client.send(new PutSecretValueCommand({ SecretId: made.ARN, SecretBinary: TWO }))
    expect(await text()).toBe('two')
    expect(await text({ VersionStage: 'AWSPREVIOUS' })).toBe('one')
    expect(await text({ VersionId: made.VersionId })).toBe('one')
    await client.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary: THREE }))
    expect(await text({ VersionStage: 'AWSPREVIOUS' })).toBe('two')
    expect(await text({ VersionId: made.VersionId })).toBe('one')
    const described = await client.send(new DescribeSecretCommand({ SecretId: NAME }))
    expect(described.VersionIdsToStages?.[put.VersionId ?? '']).toEqual(['AWSPREVIOUS'])
    expect(Object.keys(described.VersionIdsToStages ?? {})).toHaveLength(2)
  })

  test('a pending version leaves the current one alone', async () => {
    secrets.put(NAME, ONE)
    await client.send(
      new PutSecretValueCommand({ SecretId: NAME, SecretString: 'next', VersionStages: ['AWSPENDING'] }),
    )
    expect(await text()).toBe('one')
    expect((await get({ VersionStage: 'AWSPENDING' })).SecretString).toBe('next')
  })

  test('the same token twice is one version, and never two values', async () => {
    secrets.put(NAME, ONE)
    const ClientRequestToken = '5e6dba41-ec35-4f9f-a0fc-0d7dd7f2b6dc'
    const put = (SecretBinary: Uint8Array) =>
      client.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary, ClientRequestToken }))
    await put(TWO)
    await put(TWO)
    expect(await text({ VersionStage: 'AWSPREVIOUS' })).toBe('one')
    await expect(put(THREE)).rejects.toMatchObject({ name: 'ResourceExistsException' })
  })

  test('bytes replaced by the host keep their version', async () => {
    secrets.put(NAME, ONE)
    const before = await get()
    secrets.replace(NAME, 'AWSCURRENT', TWO)
    expect(await get()).toMatchObject({ VersionId: before.VersionId, SecretBinary: Uint8Array.from(TWO) })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['an unknown secret', () => get({ SecretId: 'none' }), 'ResourceNotFoundException'],
    ['a stage at no version', () => get({ VersionStage: 'AWSPREVIOUS' }), 'ResourceNotFoundException'],
    ['an unknown version', () => get({ VersionId: 'f'.repeat(32) }), 'ResourceNotFoundException'],
    [
      'a stage at another version',
      () => get({ VersionId: 'f'.repeat(32), VersionStage: 'AWSCURRENT' }),
      'InvalidRequestException',
    ],
    [
      'a secret that exists',
      () => client.send(new CreateSecretCommand({ Name: NAME, SecretBinary: ONE })),
      'ResourceExistsException',
    ],
    [
      'the value of a secret that was made without one',
      async () => {
        await client.send(new CreateSecretCommand({ Name: 'new' }))
        return client.send(new GetSecretValueCommand({ SecretId: 'new' }))
      },
      'ResourceNotFoundException',
    ],
    ['no value', () => client.send(new PutSecretValueCommand({ SecretId: NAME })), 'InvalidParameterException'],
    [
      'two values',
      () => client.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary: ONE, SecretString: 'one' })),
      'InvalidParameterException',
    ],
    [
      'too large a value',
      () => client.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary: new Uint8Array(65_537) })),
      'ValidationException',
    ],
    ['a bad name', () => client.send(new CreateSecretCommand({ Name: 'a b' })), 'ValidationException'],
  ])('%s is refused', async (_what, call, name) => {
    secrets.put(NAME, ONE)
    await expect(call()).rejects.toMatchObject({ name })
  })

  test('a secret keeps no more versions than it may', async () => {
    for (let count = 0; count < 100; count += 1) secrets.put(NAME, ONE)
    expect(() => secrets.put(NAME, TWO)).toThrow('at most 100')
    expect(await text()).toBe('one')
  })
})
