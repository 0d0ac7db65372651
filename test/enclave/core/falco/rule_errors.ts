import { RuleError } from '../../../../enclave/core/falco/source.ts'

/** Whether a parser takes a text or refuses it with the only error it may throw. */
export function endsCleanly(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch (error) {
    return error instanceof RuleError
  }
}
