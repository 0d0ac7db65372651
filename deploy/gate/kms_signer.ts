import { createHash } from 'node:crypto'
import { type KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { asking } from '../aws.ts'
import type { Sign } from './dsse.ts'
import { GateError } from './error.ts'

/** The report's key never leaves KMS, which is given a digest. */
export const kmsSigner =
  (kms: Pick<KMSClient, 'send'>, keyId: string): Sign =>
  async (message) => {
    const digest = createHash('sha256').update(message).digest()
    const { Signature, KeyId } = await asking(`sign by ${keyId}`, () =>
      kms.send(
        new SignCommand({ KeyId: keyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' }),
      ),
    )
    if (Signature !== undefined && KeyId !== undefined) return { signature: Signature, keyId: KeyId }
    throw new GateError('ERR_GATE_SIGNATURE', 'KMS answered without a signature')
  }
