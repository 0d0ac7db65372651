import { constants, generateKeyPairSync, privateDecrypt, randomBytes, verify, X509Certificate } from 'node:crypto'
import { parseDocument } from '../../enclave/attestation/document.ts'
import { parseEnveloped } from '../../enclave/attestation/enveloped.ts'
import { openRecipient } from '../../enclave/attestation/recipient.ts'
import { verifyDocument } from '../../enclave/attestation/verify.ts'
import { encryptForRecipient } from '../../local/aws/recipient.ts'
import { forge, forgeChain, policyFor } from '../enclave/attestation/forge.ts'
import { alternate, compared, each, times, WARM_UPS, type Figure, type Section } from './measure.ts'

const ROUNDS = 30
const REPEATS = 8
/** In a document of AWS: region, zone, instance and leaf are signed, and the document itself. */
const SIGNATURES = 5
const KNOWN_GOAL_MS = 3
const RSA_BITS = 2048
const DEK_BYTES = 32

/** A document of an enclave that nobody has seen yet. */
async function strangersDocument() {
  const chain = await forgeChain()
  return { bytes: forge(chain), policy: policyFor(chain) }
}

async function documents(): Promise<readonly Figure[]> {
  const known = await strangersDocument()
  const strangers = await Array.fromAsync({ length: WARM_UPS + ROUNDS }, strangersDocument)
  const { signed, signature, certificate } = parseDocument(known.bytes)
  const key = { key: new X509Certificate(certificate).publicKey, dsaEncoding: 'ieee-p1363' } as const
  const bare = times(SIGNATURES, () => void verify('sha384', signed, key, signature))
  const beside = (samples: readonly number[]) => ({ name: `${SIGNATURES} bare P-384 verifications`, samples })

  const fresh = await alternate(
    {
      bare,
      ours() {
        const { bytes, policy } = strangers.pop() ?? known
        verifyDocument(bytes, policy)
      },
    },
    ROUNDS,
  )
  // Apart from the others, since the strangers' certificates push those of the known chain out of memory.
  const again = await alternate(
    { bare, ours: times(REPEATS, () => void verifyDocument(known.bytes, known.policy)) },
    ROUNDS,
  )
  const one = each(again.ours, (ms) => ms / REPEATS)
  return [
    compared('verify a document, fresh chain', 'ms', fresh.ours, beside(fresh.bare)),
    compared('verify a document, known chain', 'ms', one, beside(again.bare), { below: KNOWN_GOAL_MS }),
  ]
}

async function recipient(): Promise<Figure> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
  const blob = encryptForRecipient(randomBytes(DEK_BYTES), publicKey.export({ type: 'spki', format: 'der' }))
  const { encryptedKey } = parseEnveloped(blob)
  const oaep = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const samples = await alternate(
    {
      ours: times(REPEATS, () => void openRecipient(blob, privateKey)),
      bare: times(REPEATS, () => void privateDecrypt(oaep, encryptedKey)),
    },
    ROUNDS,
  )
  const one = (side: keyof typeof samples) => each(samples[side], (ms) => ms / REPEATS)
  return compared('open a CMS recipient', 'ms', one('ours'), { name: 'bare RSA-OAEP', samples: one('bare') })
}

export const attestation: Section = {
  title: 'Attestation: documents and what KMS encrypts to them',
  run: async () => [...(await documents()), await recipient()],
}
