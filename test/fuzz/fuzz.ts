import { type Decoder, Forgery } from './decoder.ts'
import { randomFor } from './mutate.ts'

/** An input that takes longer than this hangs: the slowest sound one takes a few milliseconds. */
export const HANG_MS = 2000

export interface Run {
  readonly seed: number
  /** The number of the first input. */
  readonly from: number
  readonly count: number
}

export interface Report {
  readonly inputs: number
  /** How many inputs ended in each of the decoder's codes, or `accepted`. */
  readonly outcomes: ReadonlyMap<string, number>
  readonly slowest: { readonly input: number; readonly ms: number }
  readonly failure?: { readonly input: number; readonly why: string }
}

/** Feeds a decoder with mutated inputs until one of them fails. `begin` is told of each before it is read. */
export async function fuzz(
  decoder: Decoder,
  { seed, from, count }: Run,
  begin: (input: number) => void,
): Promise<Report> {
  const outcomes = new Map<string, number>()
  let slowest = { input: from, ms: 0 }
  for (let input = from; input < from + count; input++) {
    const bytes = decoder.make(randomFor(seed, input))
    begin(input)
    const began = performance.now()
    const outcome = await outcomeOf(decoder, bytes)
    const ms = performance.now() - began
    if (ms > slowest.ms) slowest = { input, ms }
    const failure = outcome.failed ? outcome.name : ms > HANG_MS ? `hang: ${Math.round(ms)} ms` : undefined
    if (failure !== undefined) return { inputs: input - from, outcomes, slowest, failure: { input, why: failure } }
    outcomes.set(outcome.name, (outcomes.get(outcome.name) ?? 0) + 1)
  }
  return { inputs: count, outcomes, slowest }
}

async function outcomeOf(decoder: Decoder, bytes: Uint8Array): Promise<{ name: string; failed: boolean }> {
  try {
    await decoder.read(bytes)
    if (decoder.acceptsNone) throw new Forgery('a mutated input')
    return { name: 'accepted', failed: false }
  } catch (error) {
    if (error instanceof decoder.error) return { name: error.code, failed: false }
    if (error instanceof Forgery) return { name: `accepted what it must refuse: ${error.message}`, failed: true }
    return { name: `foreign error: ${error instanceof Error ? error.stack : String(error)}`, failed: true }
  }
}
