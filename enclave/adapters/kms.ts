import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import type { HostBytes, Kms } from '../ports.ts'
import { codeOf } from '../retry.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

export class KmsError extends Error {
  /** `foreign`: what was to be decrypted is not a ciphertext of this key under this context, and never will be. */
  readonly code: 'refused' | 'foreign' | 'plaintext' | 'empty' | 'wrong-key'
  constructor(code: KmsError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

const MAX_RECIPIENT_CIPHERTEXT = 64 << 10
const FOREIGN = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

export function openKms(access: AwsAccess): Kms {
  const client = new KMSClient(clientSettings(access))
  return {
    async decryptForRecipient({ keyId, context, ciphertext, attestation }) {
      const answer = await client
        .send(
          new DecryptCommand({
            KeyId: keyId,
            EncryptionContext: { ...context },
            CiphertextBlob: ciphertext,
            Recipient: { AttestationDocument: attestation, KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' },
          }),
        )
        .catch((error: unknown) => {
          const name = codeOf(error)
          const code = FOREIGN.has(name) ? 'foreign' : 'refused'
          throw new KmsError(code, `KMS refused the attested Decrypt: ${name}${hints[name] ?? ''}`, error)
        })
      // A KMS that answers in the clear is no KMS, or did not see our Recipient: its plaintext was never secret.
      if (answer.Plaintext !== undefined && answer.Plaintext.length > 0) {
        answer.Plaintext.fill(0)
        throw new KmsError('plaintext', 'KMS answered with a plaintext although a recipient was named')
      }
      if (answer.KeyId !== keyId) throw new KmsError('wrong-key', 'KMS decrypted with another key than the pinned one')
      const sealed = answer.CiphertextForRecipient
      if (!(sealed instanceof Uint8Array) || sealed.length === 0 || sealed.length > MAX_RECIPIENT_CIPHERTEXT) {
        throw new KmsError('empty', 'KMS answered without a ciphertext for the recipient')
      }
      return sealed as HostBytes
    },
  }
}

/** What to look at first, by the name of KMS's error. */
const hints: Readonly<Record<string, string>> = {
  AccessDeniedException: ' (is this image’s PCR0 in the key policy’s list, and is the environment the right one?)',
  InvalidCiphertextException: ' (the wrapped key or its encryption context is not what was provisioned)',
  IncorrectKeyException: ' (the wrapped key was made under another KMS key than kms_key)',
  NotFoundException: ' (does kms_key exist in this region?)',
}
