import type { Random } from './mutate.ts'

/** A way from bytes that somebody else chose into the enclave. */
export interface Decoder {
  /** Sound inputs, of which all others are made. */
  readonly seeds: readonly Uint8Array[]
  readonly make: (random: Random) => Uint8Array
  /** The one error that may be thrown. */
  readonly error: abstract new (...args: never[]) => Error & { readonly code: string }
  /** Reads an input. What is taken and should not have been ends in a `Forgery`. */
  readonly read: (input: Uint8Array) => unknown
  /** What it takes is authentic, so that no mutated input may be taken. */
  readonly acceptsNone?: true
}

/** An input was accepted that nobody had made in earnest. */
export class Forgery extends Error {}
