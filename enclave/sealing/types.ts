declare const sealed: unique symbol
/** Ciphertext of a T: all that may leave the enclave for storage. Minted by `seal` alone. */
export type Sealed<T> = Uint8Array & { readonly [sealed]: T }

declare const wrapped: unique symbol
/** A data key as KMS encrypted it: it names the key, and may be stored anywhere. Minted once KMS has opened it for us. */
export type Wrapped = Uint8Array & { readonly [wrapped]: true }

/** Key material. It never prints, and is wiped when its scope ends: hold it with `using`. */
export class Secret {
  #bytes: Uint8Array | undefined

  /** Takes ownership: the caller's array is the one that will be wiped. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  use<R>(read: (bytes: Uint8Array) => R): R {
    if (this.#bytes === undefined) throw new TypeError('secret used after it was wiped')
    return read(this.#bytes)
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0)
    this.#bytes = undefined
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
