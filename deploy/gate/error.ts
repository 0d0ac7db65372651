export type GateErrorCode =
  | 'ERR_GATE_INPUT'
  | 'ERR_GATE_MEASUREMENT'
  | 'ERR_GATE_MISMATCH'
  | 'ERR_GATE_SIGNATURE'
  | 'ERR_GATE_BUILDER'
  | 'ERR_GATE_SOURCE'
  | 'ERR_GATE_PARAMETERS'
  | 'ERR_GATE_SUBJECT'
  | 'ERR_GATE_LIST'
  | 'ERR_GATE_IN_USE'
  | 'ERR_GATE_COMMAND'
  | 'ERR_GATE_PULL_REQUEST'
  | 'ERR_GATE_ROLLOUT'

/** Why an image does not get on; what was in force stays so. */
export class GateError extends Error {
  readonly code: GateErrorCode

  constructor(code: GateErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'GateError'
    this.code = code
  }
}
