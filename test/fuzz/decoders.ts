import { document, eif, envelope, recipient } from './binary.ts'
import { cloudtrail, falco, rules, state } from './text.ts'

/** All that is fuzzed, by the names that the command knows. */
export const DECODERS = { document, recipient, eif, envelope, cloudtrail, state, falco, rules } as const
export type DecoderName = keyof typeof DECODERS
