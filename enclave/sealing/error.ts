/** What an object can be refused for. The `wrong-…` codes but the purpose's mean a genuine object in a place not its own. */
export type SealingCode =
  | 'malformed'
  | 'unknown-key'
  | 'tampered'
  | 'wrong-purpose'
  | 'wrong-environment'
  | 'wrong-stream'
  | 'wrong-sequence'
  | 'wrong-predecessor'
  // Mistakes of the caller, not of the object.
  | 'bad-key'
  | 'no-key'
  | 'bad-input'

export class SealingError extends Error {
  readonly code: SealingCode

  constructor(code: SealingCode, message: string) {
    super(message)
    this.name = 'SealingError'
    this.code = code
  }
}

/** One message for every way of not being an envelope: which one it was helps only whoever made it. */
export const malformed = (): SealingError =>
  new SealingError('malformed', 'not an object of ours, or part of one: take it from another copy of the store')
