import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EifError, measureEif } from '../../enclave/attestation/eif.ts'
import { parseEnveloped } from '../../enclave/attestation/enveloped.ts'
import { openRecipient, RecipientError } from '../../enclave/attestation/recipient.ts'
import { AttestationError, verifyDocument } from '../../enclave/attestation/verify.ts'
import { open } from '../../enclave/sealing/envelope.ts'
import { SealingError } from '../../enclave/sealing/error.ts'
import {
  CMDLINE,
  HEADER_BYTES,
  KERNEL,
  METADATA,
  RAMDISK,
  readerOf,
  registerOf,
  section,
  SIGNATURE,
  signatureOf,
  text,
  withCrc,
  writeEif,
} from '../enclave/attestation/eif_writer.ts'
import { header, ringOf, sealed } from '../enclave/sealing/fixture.ts'
import { type Decoder, Forgery } from './decoder.ts'
import { mutate, type Random } from './mutate.ts'

/** Made once by the software NSM and the local KMS, and kept, so that a run can be repeated. */
interface Vectors {
  readonly at: string
  readonly pcr0: string
  readonly root: string
  readonly documents: readonly string[]
  readonly recipientKey: string
  readonly dek: string
  readonly ciphertexts: readonly string[]
  readonly signingCertificate: string
}
const vectors = JSON.parse(readFileSync(new URL('../vectors/fuzz.json', import.meta.url), 'utf8')) as Vectors
const fromBase64 = (encoded: string) => Buffer.from(encoded, 'base64')
const fromHex = (words: string) => words.split(' ').map((word) => Buffer.from(word, 'hex'))
const fromText = (words: string) => words.split(' ').map(text)
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

const documents = vectors.documents.map(fromBase64)
const policy = { root: fromBase64(vectors.root), at: new Date(vectors.at), pcr0: [vectors.pcr0] } as const
/** The tag in front is no part of what is signed, and may be there or not. */
const sound = [...documents, ...documents.map((bytes) => Buffer.concat([Uint8Array.of(0xd2), bytes]))]
const documentParts = [
  ...fromText('pcrs nonce user_data public_key certificate cabundle digest SHA384 timestamp module_id'),
  ...fromHex('d2 d284 a10138 a101382244 a0 bf ff f6 5830 5860 1bffffffffffffffff'),
]

/** No mutated document is accepted. */
export const document: Decoder = {
  seeds: sound,
  make: (random) => mutate(documents, documentParts, random, sound),
  error: AttestationError,
  read: (input) => verifyDocument(input, policy),
  acceptsNone: true,
}

const recipientKey = createPrivateKey({ key: fromBase64(vectors.recipientKey), format: 'der', type: 'pkcs8' })
const ciphertexts = vectors.ciphertexts.map(fromBase64)
const envelopes = ciphertexts.map(parseEnveloped)
const dek = fromBase64(vectors.dek)
const recipientParts = fromHex(
  '3080 a080 0480 0000 80 0420 8120 820100 020102 3182 3081 06092a864886f70d010703 060960864801650304012a',
)

/**
 * AES-CBC carries no authentication, so a changed ciphertext or IV opens now and then, to something else: that is KMS's
 * format, whose answer comes by TLS, and whoever asked checks the length. What must not be: that another wrapped key
 * opens, or that the plaintext is not the one that the ciphertext and the IV say.
 */
export const recipient: Decoder = {
  seeds: ciphertexts,
  make: (random) => mutate(ciphertexts, recipientParts, random),
  error: RecipientError,
  read(input) {
    const plaintext = openRecipient(input, recipientKey)
    const { encryptedKey, iv, ciphertext } = parseEnveloped(input)
    const original = envelopes.find((known) => equal(known.encryptedKey, encryptedKey))
    if (original === undefined) throw new Forgery('a wrapped key')
    const isOriginal = equal(original.iv, iv) && equal(original.ciphertext, ciphertext)
    if (isOriginal !== equal(plaintext, dek)) throw new Forgery('a plaintext')
  },
}

const unsigned = [
  section(KERNEL, 'kernel'),
  section(CMDLINE, 'console=ttyS0'),
  section(METADATA, '{"ImageName":"example"}'),
  section(RAMDISK, 'init'),
  section(RAMDISK, 'application'),
]
const signature = signatureOf(text(vectors.signingCertificate), new Uint8Array(96))
const images = [writeEif(unsigned), writeEif([...unsigned, section(SIGNATURE, signature)])]
const imageParts = fromHex('0001 0002 0003 0004 0005 0020 0000000000000224 2e656966')

/** Anyone may write an image: what is measured must be what it holds, and a wrong checksum must be seen. */
export const eif: Decoder = {
  seeds: images,
  make: (random) => mend(mutate(images, imageParts, random), random),
  error: EifError,
  async read(input) {
    const { sections, pcrs } = await measureEif(readerOf(input), input.length)
    if (!equal(withCrc(input), input)) throw new Forgery('a checksum')
    const held = (...types: readonly string[]) =>
      sections
        .filter(({ type }) => types.includes(type))
        .map(({ offset, size }) => input.subarray(offset, offset + size))
    if (registerOf(...held('kernel', 'cmdline', 'ramdisk')) !== pcrs.PCR0) throw new Forgery('PCR0')
    if (registerOf(...held('ramdisk').slice(1)) !== pcrs.PCR2) throw new Forgery('PCR2')
  },
}

/** With its checksum put right more often than not: otherwise that would be all that is ever found wrong. */
function mend(image: Uint8Array, random: Random): Uint8Array {
  return image.length < HEADER_BYTES || random() % 4 === 0 ? image : withCrc(image)
}

const ring = ringOf(1, 2)
const objects = ['', '{"name":"a finding"}', 'x'.repeat(300)].map((content) => sealed(ring, {}, text(content)))
const objectParts = [...fromHex('d083 a0 58 59 3a00010000 a9 0448 5820'), ...fromText('alert state production')]

/** No object opens but those that were sealed. */
export const envelope: Decoder = {
  seeds: objects,
  make: (random) => mutate(objects, objectParts, random),
  error: SealingError,
  read: (input) => open(ring, header, input),
  acceptsNone: true,
}
