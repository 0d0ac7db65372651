import { parentPort, workerData } from 'node:worker_threads'
import { type DecoderName, DECODERS } from './decoders.ts'
import { fuzz, type Run } from './fuzz.ts'

/** The input that is being read, where the watching thread can see it even while this one is stuck. */
const { name, run, present } = workerData as { name: DecoderName; run: Run; present: Float64Array }

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port is no window
parentPort?.postMessage(await fuzz(DECODERS[name], run, (input) => void (present[0] = input)))
