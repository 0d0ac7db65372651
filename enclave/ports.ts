import type { Finding } from './core/finding.ts'
import type { Sealed, Wrapped } from './sealing/types.ts'

declare const host: unique symbol
/** Bytes that came from or through the host; nothing has checked them. Minted by adapters, taken by parsers. */
export type HostBytes = Uint8Array & { readonly [host]: true }

/** The Nitro security module. */
export interface Nsm {
  describe(): Promise<{ moduleId: string; version: string; maxPcrs: number; lockedPcrs: readonly number[] }>
  attest(request: { nonce?: Uint8Array; userData?: Uint8Array; publicKey?: Uint8Array }): Promise<Uint8Array>
  pcr(index: number): Promise<Uint8Array>
  /** Makes the register SHA-384(register ‖ data), and says what it is now. */
  extend(index: number, data: Uint8Array): Promise<Uint8Array>
  /** For as long as the enclave runs. Documents carry locked registers only. */
  lock(index: number): Promise<void>
  random(): Promise<Uint8Array>
}

/** The enclave's own kernel. */
export interface Kernel {
  /** Mixes randomness into what keys are drawn from, before it returns. */
  addEntropy(random: Uint8Array): Promise<void>
  /** Rejects when the kernel does not count time by the hypervisor's clock. */
  verifyClockSource(): Promise<void>
}

/** Where wrapped keys are kept. */
export interface Secrets {
  /** Undefined: there is no such secret, or none of its versions is at this stage. */
  fetch(
    secretId: string,
    stage: 'AWSCURRENT' | 'AWSPREVIOUS',
  ): Promise<{ version: string; wrapped: HostBytes } | undefined>
}

/** KMS, of which the enclave asks one thing: decrypt for the holder of this attestation document. */
export interface Kms {
  decryptForRecipient(request: {
    keyId: string
    context: Readonly<Record<string, string>>
    ciphertext: Uint8Array
    attestation: Uint8Array
  }): Promise<HostBytes>
}

/** One message of the event queue. It stays the queue's until it is deleted. */
export interface Message {
  readonly id: string
  readonly receipt: string
  readonly body: HostBytes
}

/** The stream of cloud changes. */
export interface Queue {
  receive(signal: AbortSignal): Promise<readonly Message[]>
  /** The outcome is safe: take these off the queue. */
  remove(messages: readonly Message[]): Promise<void>
  /** Not judged yet: hide the message for so long; if nobody removes it, it comes back. */
  hide(message: Message, seconds: number): Promise<void>
}

/** Terraform states where they live. `known` is the version of the last fetch. */
export interface States {
  fetch(
    location: { bucket: string; key: string },
    known: string | undefined,
  ): Promise<{ kind: 'unchanged' } | { kind: 'missing' } | { kind: 'found'; version: string; bytes: HostBytes }>
}

/** Sealed objects under opaque names, kept by the parent. */
export interface Blobs {
  /** Never overwrites what stands there. */
  create(name: string, object: Sealed<unknown> | Wrapped): Promise<'created' | 'taken'>
  replace(name: string, object: Sealed<unknown> | Wrapped): Promise<void>
  get(name: string): Promise<HostBytes | undefined>
  list(prefix: string): Promise<readonly string[]>
}

/** Where objects are only ever added: S3, under a lock that keeps them. */
export type Archive = Pick<Blobs, 'create' | 'get' | 'list'>

/** Somewhere people read findings. `refused`: it will never take this one; what may yet succeed is thrown. */
export interface Sink {
  readonly name: string
  deliver(finding: Finding, signal: AbortSignal): Promise<'taken' | 'refused'>
}

/** Lines that may leave the enclave: a code and plain numbers or identifiers of our own, never content. */
export type Log = (
  level: 'info' | 'warn' | 'error',
  code: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void

export interface Clock {
  now(): number
}
