import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from 'node:crypto'
import { Encoder } from 'cbor-x'
import { open, seal } from '../../enclave/sealing/envelope.ts'
import { dissect, header, nonce, ringOf } from '../enclave/sealing/fixture.ts'
import { alternate, compared, each, times, type Figure, type Section } from './measure.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** Of each size: operations in a round, rounds, and the goal. */
const SIZES = [
  { name: '1 KiB', bytes: KIB, repeats: 2000, rounds: 40, ratio: 0.7 },
  { name: '1 MiB', bytes: MIB, repeats: 16, rounds: 30, ratio: 0.95 },
] as const

const CIPHER = 'aes-256-gcm-siv'
const TAG_BYTES = 16
/** The only chunk of an object: index 0, and the last. */
const ONLY_CHUNK = Uint8Array.of(0, 0, 0, 0, 1)

const encoder = new Encoder({ useRecords: false, tagUint8Array: false })

/** One plaintext's four operations: the envelope's, and the bare cipher with the same key, nonce, AAD and bytes. */
export function sidesOf(bytes: number) {
  const ring = ringOf(1)
  const plaintext = Buffer.alloc(bytes, 'a state, an alert, a cursor; ')
  const object = seal(ring, header, nonce, plaintext)
  const [sealed = new Uint8Array()] = dissect(object).chunks
  const [ciphertext, tag] = [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)]
  const aad = encoder.encode(['Encrypt0', dissect(object).protectedHeader, ONLY_CHUNK])
  const key = ring.current(header.purpose).secret.use((subkey) => Uint8Array.from(subkey))
  return {
    seal: () => seal(ring, header, nonce, plaintext),
    encrypt: () => {
      const cipher = createCipheriv(CIPHER, key, nonce) as CipherGCM // @types/node does not list the mode
      cipher.setAAD(aad)
      const encrypted = cipher.update(plaintext)
      cipher.final()
      return { ciphertext: encrypted, tag: cipher.getAuthTag() }
    },
    open: () => open(ring, header, object).plaintext,
    decrypt: () => {
      const decipher = createDecipheriv(CIPHER, key, nonce) as DecipherGCM
      decipher.setAAD(aad)
      decipher.setAuthTag(tag)
      const decrypted = decipher.update(ciphertext)
      decipher.final()
      return decrypted
    },
  }
}

export const sealing: Section = {
  title: 'Seal and open, beside bare AES-256-GCM-SIV of node:crypto',
  async run() {
    const figures: Figure[] = []
    for (const { name, bytes, repeats, rounds, ratio } of SIZES) {
      const sides = sidesOf(bytes)
      const samples = await alternate(
        {
          seal: times(repeats, sides.seal),
          encrypt: times(repeats, sides.encrypt),
          open: times(repeats, sides.open),
          decrypt: times(repeats, sides.decrypt),
        },
        rounds,
      )
      const micros = (side: keyof typeof samples) => each(samples[side], (ms) => (ms * 1000) / repeats)
      const bare = (side: keyof typeof samples) => ({ name: 'bare', samples: micros(side) })
      figures.push(
        compared(`seal ${name}`, 'µs', micros('seal'), bare('encrypt'), { ratio }),
        compared(`open ${name}`, 'µs', micros('open'), bare('decrypt'), { ratio }),
      )
    }
    return figures
  },
}
