import { describe, expect, it } from 'vitest'
import { KmsError, openKms } from '../../../enclave/adapters/kms.ts'
import { bodyOf, refuses, says, scriptedAws, type Answer } from './scripted_aws.ts'

const KEY = 'arn:aws:kms:us-east-1:111122223333:key/2f1c7e9a-4b60'
const context = { service: 'driftseal', environment: 'production', purpose: 'dek' }
const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('base64')
const good = {
  KeyId: KEY,
  CiphertextForRecipient: base64('for the recipient'),
  EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
}

async function decrypted(answer: Answer) {
  const { access, asked } = await scriptedAws(() => answer)
  const outcome = openKms(access).decryptForRecipient({
    keyId: KEY,
    context,
    ciphertext: Buffer.from('wrapped'),
    attestation: Buffer.from('a document'),
  })
  return { outcome: await outcome.catch((error: unknown) => error), asked }
}

describe('an attested Decrypt', () => {
  it('names key, context and recipient, and gives what is encrypted to him', async () => {
    const { outcome, asked } = await decrypted(says(good))
    expect(Buffer.from(outcome as Uint8Array).toString()).toBe('for the recipient')
    expect(asked.map(({ operation }) => operation)).toEqual(['Decrypt'])
    expect(asked.map(bodyOf)).toEqual([
      {
        KeyId: KEY,
        EncryptionContext: context,
        CiphertextBlob: base64('wrapped'),
        Recipient: { AttestationDocument: base64('a document'), KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' },
      },
    ])
  })

  it.each<[string, object, KmsError['code']]>([
    ['a plaintext', { ...good, Plaintext: base64('a data key in clear') }, 'plaintext'],
    ['a plaintext alone', { KeyId: KEY, Plaintext: base64('a data key in clear') }, 'plaintext'],
    ['another key', { ...good, KeyId: KEY.replace('2f', '3f') }, 'wrong-key'],
    ['no key', { ...good, KeyId: undefined }, 'wrong-key'],
    ['nothing for the recipient', { KeyId: KEY }, 'empty'],
    ['an empty ciphertext', { ...good, CiphertextForRecipient: '' }, 'empty'],
    ['too much', { ...good, CiphertextForRecipient: base64(Buffer.alloc((64 << 10) + 1)) }, 'empty'],
    ['nothing', {}, 'wrong-key'],
  ])('does not accept %s', async (_what, answer, code) => {
    const { outcome } = await decrypted(says(answer))
    expect(outcome).toMatchObject({ constructor: KmsError, code })
    expect(String(outcome)).not.toContain('in clear')
  })

  it.each<[string, KmsError['code'], RegExp]>([
    ['AccessDeniedException', 'refused', /PCR0/],
    ['InvalidCiphertextException', 'foreign', /encryption context/],
    ['IncorrectKeyException', 'foreign', /another KMS key/],
    ['NotFoundException', 'refused', /in this region\?/],
    ['DisabledException', 'refused', /DisabledException$/],
  ])('that KMS refuses with %s is %s, and says what to look at', async (name, code, hint) => {
    const { outcome, asked } = await decrypted(refuses(name))
    expect(outcome).toMatchObject({ constructor: KmsError, code, message: expect.stringMatching(hint) as string })
    expect(asked).toHaveLength(1)
  })

  it.each<[string, Answer]>([
    ['no JSON', { body: '<html>' }],
    ['a list', { body: '[]' }],
    ['base64 that is none', says({ ...good, CiphertextForRecipient: '%%%' })],
    ['a number for bytes', says({ ...good, CiphertextForRecipient: 7 })],
  ])('throws nothing but its own error, such as for %s', async (_what, answer) => {
    expect((await decrypted(answer)).outcome).toBeInstanceOf(KmsError)
  })
})
