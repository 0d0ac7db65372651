import { describe, expect, it } from 'vitest'
import { openSecrets, SecretsError } from '../../../enclave/adapters/secrets.ts'
import { bodyOf, refuses, says, scriptedAws, type Answer } from './scripted_aws.ts'

const NAME = 'driftseal/dek'
const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('base64')
const good = { Name: NAME, VersionId: 'v1', SecretBinary: base64('wrapped') }

async function fetched(answer: Answer, stage: 'AWSCURRENT' | 'AWSPREVIOUS' = 'AWSCURRENT') {
  const { access, asked } = await scriptedAws(() => answer)
  const outcome = await openSecrets(access)
    .fetch(NAME, stage)
    .catch((error: unknown) => error)
  return { outcome, asked }
}

describe('a wrapped key', () => {
  it.each(['AWSCURRENT', 'AWSPREVIOUS'] as const)('is fetched as it is at the stage %s', async (stage) => {
    const { outcome, asked } = await fetched(says(good), stage)
    const { version, wrapped } = outcome as { version: string; wrapped: Uint8Array }
    expect([version, Buffer.from(wrapped).toString()]).toEqual(['v1', 'wrapped'])
    expect(asked.map(({ operation }) => operation)).toEqual(['GetSecretValue'])
    expect(asked.map(bodyOf)).toEqual([{ SecretId: NAME, VersionStage: stage }])
  })

  it('that is not there is undefined', async () => {
    expect((await fetched(refuses('ResourceNotFoundException'))).outcome).toBeUndefined()
  })

  it.each(['AccessDeniedException', 'DecryptionFailure', 'InvalidRequestException'])(
    'that is refused with %s is not taken for one that is not there',
    async (name) => {
      const { outcome } = await fetched(refuses(name))
      expect(outcome).toMatchObject({ constructor: SecretsError, code: 'refused' })
      expect(String(outcome)).toContain(name)
    },
  )

  it.each<[string, object]>([
    ['a text', { ...good, SecretBinary: undefined, SecretString: 'a secret in words' }],
    ['empty', { ...good, SecretBinary: '' }],
    ['too large', { ...good, SecretBinary: base64(Buffer.alloc(6145)) }],
    ['of no version', { ...good, VersionId: undefined }],
    ['nothing', {}],
  ])('is not %s', async (_what, answer) => {
    const { outcome } = await fetched(says(answer))
    expect(outcome).toMatchObject({ constructor: SecretsError, code: 'malformed' })
    expect(String(outcome)).not.toContain('in words')
  })

  it.each<[string, Answer]>([
    ['no JSON', { body: '<html>' }],
    ['a number for bytes', says({ ...good, SecretBinary: 7 })],
  ])('throws nothing but its own error, such as for %s', async (_what, answer) => {
    expect((await fetched(answer)).outcome).toBeInstanceOf(SecretsError)
  })
})
