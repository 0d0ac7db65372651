import { NONCE_BYTES } from './gcm-siv.ts'

/** How many are drawn at once: to ask the kernel for twelve bytes takes longer than to seal a small object. */
const NONCES = 256

/** Gives out nonces, none of them twice. `random`: bytes from a cryptographic source. */
export function createNonces(random: (size: number) => Uint8Array): () => Uint8Array {
  let drawn: Uint8Array = new Uint8Array()
  let at = 0
  return () => {
    if (at === drawn.length) {
      drawn = random(NONCES * NONCE_BYTES)
      at = 0
    }
    at += NONCE_BYTES
    return drawn.subarray(at - NONCE_BYTES, at)
  }
}
