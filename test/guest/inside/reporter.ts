import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** One test that ran in the guest, as its console carries it. */
export interface Outcome {
  readonly name: string
  readonly ms: number
  /** Why it failed. */
  readonly error?: string
}

/** Marks a line of ours among the kernel's and the tests'. */
export const MARK = '@outcome '
/** What `init` says last. */
export const END = '@end'

/** For `node --test`: a line for each test, and what tests say about themselves as it comes. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic') yield `${data.message}\n`
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details.type === 'suite') continue
    const error = type === 'test:fail' ? inspect(data.details.error.cause ?? data.details.error) : undefined
    const outcome = { name: data.name, ms: Math.round(data.details.duration_ms), error }
    yield `${MARK}${JSON.stringify(outcome)}\n`
  }
}
