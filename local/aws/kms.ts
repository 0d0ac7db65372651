import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import * as v from 'valibot'
import { AttestationError } from '../../enclave/attestation/error.ts'
import { verifyDocument } from '../../enclave/attestation/verify.ts'
import { createKey, invalidCiphertext, keyIdOf, type EncryptionContext, type Key } from './key.ts'
import { AwsError, base64, blob, jsonService, operation } from './protocol.ts'
import { encryptForRecipient } from './recipient.ts'

type Generate = 'GenerateDataKey' | 'GenerateDataKeyWithoutPlaintext' | 'GenerateDataKeyPairWithoutPlaintext'

/** Everything that anyone may ask of a key; what is not listed is denied, to its administrators too. */
export interface KeyPolicy {
  /** Decrypt is for the holder of an attestation document with one of these PCR0s, lower-case hex, and for nobody else. */
  readonly decrypt: readonly [string, ...string[]]
  /** Data keys are made under exactly these encryption contexts, each in exactly this way. */
  readonly generate: readonly { readonly action: Generate; readonly context: EncryptionContext }[]
}

export interface Kms {
  readonly service: RequestListener
  /** Makes a key under the id, a UUID, and answers its ARN. */
  createKey(id: string, policy: KeyPolicy): string
  setPolicy(keyArn: string, policy: KeyPolicy): void
  /** A data key of 32 bytes, or a P-256 key in PKCS#8, for whoever provisions this stack; the policy applies here too. */
  generate(
    action: Generate,
    keyArn: string,
    context: EncryptionContext,
  ): { plaintext: Uint8Array; ciphertext: Uint8Array }
}

const MAX_DOCUMENT = 262_144
const MAX_CIPHERTEXT = 6144
const MAX_CONTEXT_PAIRS = 64
const DATA_KEY_BYTES = 32
const PAIR = 'GenerateDataKeyPairWithoutPlaintext'
const RSA_BITS = [2048, 3072, 4096]

const keyId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048))
const context = v.optional(v.pipe(v.record(v.string(), v.string()), v.maxEntries(MAX_CONTEXT_PAIRS)), {})
const generateInput = v.object({
  KeyId: keyId,
  KeySpec: v.literal('AES_256'),
  EncryptionContext: context,
  Recipient: v.optional(v.never('data keys for a recipient are not made here')),
})
const generatePairInput = v.object({
  KeyId: keyId,
  KeyPairSpec: v.literal('ECC_NIST_P256'),
  EncryptionContext: context,
})
const decryptInput = v.object({
  CiphertextBlob: blob(MAX_CIPHERTEXT),
  EncryptionContext: context,
  KeyId: v.optional(keyId),
  Recipient: v.optional(
    v.object({
      AttestationDocument: blob(MAX_DOCUMENT),
      KeyEncryptionAlgorithm: v.literal('RSAES_OAEP_SHA_256'),
    }),
  ),
})

export function createKms(world: {
  readonly region: string
  readonly account: string
  /** DER of the certificate that attestation documents must chain to. */
  readonly root: Uint8Array
  readonly now: () => Date
  /** What a hostile network might do to CiphertextForRecipient. */
  readonly tamperRecipient?: ((ber: Uint8Array) => Uint8Array) | undefined
}): Kms {
  const keys = new Map<string, { key: Key; policy: KeyPolicy }>()
  const arnPrefix = `arn:aws:kms:${world.region}:${world.account}:key/`

  /** By ARN or by bare id. */
  function find(id: string): { key: Key; policy: KeyPolicy } {
    const entry = keys.get(id.startsWith(arnPrefix) ? id.slice(arnPrefix.length) : id)
    if (entry === undefined) throw new AwsError('NotFoundException', `no key ${id} in ${world.region}`)
    return entry
  }

  function generate(action: Generate, id: string, encryptionContext: EncryptionContext) {
    const { key, policy } = find(id)
    const allowed = policy.generate.some((entry) => entry.action === action && same(entry.context, encryptionContext))
    if (!allowed) throw denied(`the key policy allows no ${action} under this encryption context`)
    const plaintext = action === PAIR ? randomPkcs8() : randomBytes(DATA_KEY_BYTES)
    return { key, plaintext, ciphertext: key.encrypt(plaintext, encryptionContext) }
  }

  /** The recipient's public key, once its document holds against the key policy. */
  function attested(policy: KeyPolicy, document: Uint8Array): Uint8Array {
    try {
      const { publicKey } = verifyDocument(document, { root: world.root, at: world.now(), pcr0: policy.decrypt })
      return requireRsa(publicKey)
    } catch (error) {
      if (error instanceof AttestationError) throw denied(`the attestation document does not hold (${error.code})`)
      throw error
    }
  }

  function decrypt(input: v.InferOutput<typeof decryptInput>): object {
    const made = keyIdOf(input.CiphertextBlob)
    if (input.KeyId !== undefined && find(input.KeyId).key.id !== made) {
      throw new AwsError('IncorrectKeyException', 'the ciphertext was made with another key than KeyId')
    }
    const entry = keys.get(made)
    if (entry === undefined) throw invalidCiphertext()
    if (input.Recipient === undefined) throw denied('the key policy allows Decrypt only with an attestation document')
    const publicKey = attested(entry.policy, input.Recipient.AttestationDocument)
    const plaintext = entry.key.decrypt(input.CiphertextBlob, input.EncryptionContext)
    const ber = encryptForRecipient(plaintext, publicKey)
    return {
      KeyId: arnPrefix + made,
      CiphertextForRecipient: base64(world.tamperRecipient?.(ber) ?? ber),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    }
  }

  const operations = new Map([
    ['Decrypt', operation(decryptInput, decrypt)],
    [
      'GenerateDataKey',
      operation(generateInput, (input) => {
        const { key, plaintext, ciphertext } = generate('GenerateDataKey', input.KeyId, input.EncryptionContext)
        return { KeyId: arnPrefix + key.id, Plaintext: base64(plaintext), CiphertextBlob: base64(ciphertext) }
      }),
    ],
    [
      'GenerateDataKeyWithoutPlaintext',
      operation(generateInput, (input) => {
        const { key, ciphertext } = generate('GenerateDataKeyWithoutPlaintext', input.KeyId, input.EncryptionContext)
        return { KeyId: arnPrefix + key.id, CiphertextBlob: base64(ciphertext) }
      }),
    ],
    [
      PAIR,
      operation(generatePairInput, (input) => {
        const { key, plaintext, ciphertext } = generate(PAIR, input.KeyId, input.EncryptionContext)
        return {
          KeyId: arnPrefix + key.id,
          KeyPairSpec: input.KeyPairSpec,
          PublicKey: base64(publicKeyOf(plaintext)),
          PrivateKeyCiphertextBlob: base64(ciphertext),
        }
      }),
    ],
  ])

  return {
    service: jsonService('TrentService', operations),
    createKey(id, policy) {
      keys.set(id, { key: createKey(id), policy })
      return arnPrefix + id
    },
    setPolicy(keyArn, policy) {
      find(keyArn).policy = policy
    },
    generate,
  }
}

const randomPkcs8 = (): Uint8Array =>
  generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'der' } }).privateKey

const publicKeyOf = (pkcs8: Uint8Array): Uint8Array =>
  createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })).export({
    type: 'spki',
    format: 'der',
  })

function requireRsa(spki: Uint8Array | null): Uint8Array {
  const bits = spki === null ? undefined : rsaBits(spki)
  if (spki !== null && bits !== undefined && RSA_BITS.includes(bits)) return spki
  throw new AwsError('ValidationException', `the document's public key is not RSA of ${RSA_BITS.join(', ')} bits`)
}

function rsaBits(spki: Uint8Array): number | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : undefined
  } catch {
    return undefined
  }
}

const denied = (why: string): AwsError => new AwsError('AccessDeniedException', why)

const same = (one: EncryptionContext, other: EncryptionContext): boolean =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([name, value]) => other[name] === value)
