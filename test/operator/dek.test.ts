import { CreateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { rotate, type Clients } from '../../deploy/rotation/rotate.ts'
import type { Front } from '../../local/aws/front.ts'
import { createKms, type Kms } from '../../local/aws/kms.ts'
import { createSecrets, type Secrets } from '../../local/aws/secrets.ts'
import { dekCommand } from '../../operator/dek_command.ts'
import { ACCOUNT, REGION } from '../local/aws/clients.ts'
import { serveKeyServices } from '../local/aws/key_services.ts'
import { runIn } from './run.ts'

const SECRET = 'driftseal-production/dek'
const context = { service: 'driftseal', environment: 'production', purpose: 'dek' }
const DAY_MS = 86_400_000

let secrets: Secrets
let kms: Kms
let front: Front
let clients: Clients & { readonly secrets: SecretsManagerClient }
let keyArn: string
let now: Date
let access: 'allowed' | 'denied'

beforeAll(async () => {
  const services = await serveKeyServices(
    {
      kms: (request, response) => kms.service(request, response),
      secretsmanager: (request, response) => secrets.service(request, response),
    },
    () => access,
  )
  front = services.front
  clients = services.clients
})
afterAll(() => front.close())
beforeEach(() => {
  now = new Date()
  access = 'allowed'
  const world = { region: REGION, account: ACCOUNT, now: () => now }
  secrets = createSecrets(world)
  kms = createKms({ ...world, root: new Uint8Array() })
  const generate = [{ action: 'GenerateDataKeyWithoutPlaintext', context }] as const
  keyArn = kms.createKey('11111111-2222-4333-8444-555555555555', { decrypt: ['00'.repeat(48)], generate })
})

const dek = async (...args: readonly string[]) =>
  runIn((terminal) => dekCommand(terminal, async () => clients.secrets), 'dek', ...args)
const createEmpty = async () => clients.secrets.send(new CreateSecretCommand({ Name: SECRET }))
const wrap = () => kms.generate('GenerateDataKeyWithoutPlaintext', keyArn, context).ciphertext

/** What Secrets Manager has the rotation function do. */
async function runFunction(version: string): Promise<void> {
  const wrapping = { keyArn, environment: 'production', purpose: 'dek' } as const
  for (const step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const)
    await rotate({ step, secret: SECRET, token: version }, wrapping, clients)
}

describe('dek', () => {
  it('provision makes the first key, of a secret that Terraform left empty', async () => {
    await createEmpty()
    expect((await dek('status', '--secret', SECRET)).out).toContain('empty')
    const { out } = await dek('provision', '--secret', SECRET, '--json')
    const { version } = JSON.parse(out) as { version: string }
    await runFunction(version)
    expect((await dek('status', '--secret', SECRET)).out).toMatch(new RegExp(`AWSCURRENT.*${version} {2}0 hours old`))
    await expect(dek('provision', '--secret', SECRET)).rejects.toThrow('has a key already: "driftseal dek rotate"')
  })

  it('rotate makes the next one', async () => {
    secrets.put(SECRET, wrap())
    now = new Date(now.getTime() + 3 * DAY_MS)
    const { out } = await dek('rotate', '--secret', SECRET)
    const [, version = ''] = /version (\S+);/.exec(out) ?? []
    await expect(dek('rotate', '--secret', SECRET)).rejects.toThrow('is under way, or has failed')
    await runFunction(version)
    const status = JSON.parse((await dek('status', '--secret', SECRET, '--json')).out) as {
      versions: { id: string; stages: string[] }[]
    }
    expect(status.versions.map(({ stages }) => stages.filter((stage) => stage !== 'AWSPENDING'))).toEqual([
      ['AWSCURRENT'],
      ['AWSPREVIOUS'],
    ])
    expect(status.versions[0]?.id).toBe(version)
  })

  it('status shows versions, stages and ages, and no bytes', async () => {
    const wrapped = wrap()
    now = new Date(Date.now() - 40 * DAY_MS)
    secrets.put(SECRET, wrapped)
    now = new Date(Date.now() - 5 * 3_600_000)
    secrets.put(SECRET, wrap())
    const [person, json] = [await dek('status', '--secret', SECRET), await dek('status', '--secret', SECRET, '--json')]
    expect(person.out).toMatch(
      /^driftseal-production\/dek .*\n {2}AWSCURRENT .* 5 hours old\n {2}AWSPREVIOUS .* 40 days old$/,
    )
    for (const { out } of [person, json]) expect(out).not.toContain(wrapped.toBase64().slice(0, 16))
  })

  test.each<[string, () => unknown, string]>([
    [
      'your role may not',
      () => (access = 'denied'),
      `cannot describe ${SECRET}: your role may not do this (AccessDeniedException)`,
    ],
    ['there is no secret', () => {}, `cannot describe ${SECRET}: there is no such thing`],
    ['it has no key', createEmpty, 'has no key to replace: "driftseal dek provision"'],
  ])('rotate says that %s', async (_, change, said) => {
    await change()
    await expect(dek('rotate', '--secret', SECRET)).rejects.toThrow(said)
  })
})
