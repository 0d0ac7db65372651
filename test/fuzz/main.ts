import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type DecoderName, DECODERS } from './decoders.ts'
import { HANG_MS, type Report, type Run } from './fuzz.ts'

/** An input of a few kilobytes that takes more memory than this would end an enclave too. */
const MAX_HEAP_MB = 512
const COUNT = 1_000_000

const USAGE = `npm run fuzz -- [--count N] [--seed N] [--decoder NAME]… [--from N]

Feeds every decoder with N mutated inputs (${COUNT.toLocaleString('en')} if not said), each made from the seed and its number alone.
Decoders: ${Object.keys(DECODERS).join(', ')}.
Exit code: 0 nothing found, 1 a crash, a foreign error, a hang (${HANG_MS} ms) or a forgery that was accepted.
`

const names = Object.keys(DECODERS) as readonly DecoderName[] // the keys of a constant
const number = (value: number) => value.toLocaleString('en')
const say = (text: string) => void process.stdout.write(text)

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: String(COUNT) },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    decoder: { type: 'string', multiple: true },
    help: { type: 'boolean' },
  },
})
const [count, seed, from] = [values.count, values.seed, values.from].map(Number) as [number, number, number]
const isSound = [count, seed, from].every((value) => Number.isSafeInteger(value) && value >= 0)
const chosen = names.filter((name) => values.decoder?.includes(name) ?? true)
if (values.help === true || !isSound || chosen.length < (values.decoder?.length ?? 1)) {
  say(USAGE)
  process.exit(values.help === true ? 0 : 1)
}

for (const name of chosen) {
  const began = performance.now()
  const report = await inWorker(name, { seed, from, count })
  print(name, report, (performance.now() - began) / 1000)
  if (report.failure !== undefined) process.exitCode = 1
}

/** In a thread of its own, so that a decoder that never returns or eats all memory is found rather than waited for. */
async function inWorker(name: DecoderName, run: Run): Promise<Report> {
  const present = new Float64Array(new SharedArrayBuffer(8))
  present[0] = run.from
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { name, run, present },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const { promise, resolve } = Promise.withResolvers<Report>()
  const fail = (why: string) => {
    const input = present[0] ?? run.from
    resolve({ inputs: input - run.from, outcomes: new Map(), slowest: { input, ms: 0 }, failure: { input, why } })
  }
  let last = -1
  const watch = setInterval(() => {
    if (present[0] === last) fail(`hang: not read within ${HANG_MS} ms`)
    last = present[0] ?? last
  }, HANG_MS)
  worker.once('message', resolve)
  worker.once('error', (error) => fail(`crash: ${error instanceof Error ? error.stack : String(error)}`))
  worker.once('exit', (code) => fail(`crash: the thread ended with ${code}`))
  try {
    return await promise
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}

function print(name: string, { inputs, outcomes, slowest, failure }: Report, seconds: number): void {
  const accepted = outcomes.get('accepted') ?? 0
  const refusals = [...outcomes].filter(([code]) => code !== 'accepted').toSorted(([, a], [, b]) => b - a)
  say(
    `${name}\n  ${number(inputs)} inputs in ${seconds.toFixed(1)} s; slowest ${slowest.ms.toFixed(1)} ms (input ${slowest.input})\n`,
  )
  say(`  accepted ${number(accepted)}\n`)
  say(`  refused  ${refusals.map(([code, times]) => `${code} ${number(times)}`).join(', ') || 'none'}\n`)
  if (failure === undefined) return
  say(`  FAILED at input ${failure.input}: ${failure.why}\n`)
  say(`  again: npm run fuzz -- --decoder ${name} --seed ${seed} --from ${failure.input} --count 1\n`)
}
