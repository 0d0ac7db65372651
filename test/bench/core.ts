import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gunzipSync, gzipSync } from 'node:zlib'
import { loadRules, type Measured } from '../../enclave/adapters/rules.ts'
import { parseRecord } from '../../enclave/core/cloudtrail.ts'
import { detect } from '../../enclave/core/detect.ts'
import type { CloudEvent } from '../../enclave/core/event.ts'
import type { Json } from '../../enclave/core/json.ts'
import { parseState } from '../../enclave/core/state.ts'
import { createStateIndex, type StateIndex } from '../../enclave/core/state_index.ts'
import { seal } from '../../enclave/sealing/envelope.ts'
import { createNonces } from '../../enclave/sealing/nonce.ts'
import { stateOf } from '../../local/story.ts'
import { readRecords } from '../../operator/inputs.ts'
import { replay, replayWorld } from '../../operator/replay.ts'
import { header, ringOf } from '../enclave/sealing/fixture.ts'
import {
  alternate,
  apart,
  clocks,
  compared,
  each,
  figure,
  timed,
  times,
  type Figure,
  type Goal,
  type Section,
} from './measure.ts'
import { drifting, recordsOf, repositoryNames } from './records.ts'

const SIZES = [1_000, 10_000, 100_000]
const DECISIONS = 2_000
const BATCH = 10
const ROUNDS = 15
const BUILDS = 5
const RECORDS = 100_000
const RECORDS_A_FILE = 5_000
const REPLAYS = 5
const BYTES_A_MB = 1e6

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag has just exposed

/** How long it takes to index a state, and what the index then keeps in memory. */
async function building(rules: Measured, resources: number): Promise<readonly Figure[]> {
  const text = stateOf(repositoryNames(resources))
  const kept: StateIndex[] = []
  const [parsing, indexing, heap]: [number[], number[], number[]] = [[], [], []]
  for (let count = 0; count < BUILDS; count++) {
    kept.length = 0
    collect()
    const before = process.memoryUsage().heapUsed
    await build()
    collect()
    heap.push((process.memoryUsage().heapUsed - before) / BYTES_A_MB)
  }
  const size = `${resources.toLocaleString('en')} resources (${(text.length / BYTES_A_MB).toFixed(1)} MB)`
  return [
    figure(`parse the state of ${size}`, 'ms', parsing),
    figure('  index it', 'ms', indexing),
    figure('  heap of the index', 'MB', heap),
  ]

  async function build(): Promise<void> {
    const began = performance.now()
    const state = parseState(text, 'bench')
    parsing.push(performance.now() - began)
    const index = createStateIndex(rules.catalog.types)
    indexing.push(await timed(() => index.replace(state, 0)))
    kept.push(index)
  }
}

/** Decisions on drifts, each of a resource that the state has, alone and with what makes them safe to store. */
async function deciding(rules: Measured, resources: number): Promise<readonly Figure[]> {
  const world = replayWorld(rules, [parseState(stateOf(repositoryNames(resources)), 'bench')], [])
  // Out of JSON, as records come: V8 writes texts that were put together here more slowly than those of its parser.
  const events = (JSON.parse(JSON.stringify(drifting(DECISIONS, resources))) as Json[]).map(parseRecord)
  const ring = ringOf(1)
  const nonce = createNonces(randomBytes)
  const decide = (event: CloudEvent) => detect(event, world, Date.parse(event.time)).findings
  // What one receive of the queue brings is sealed as one entry of the ledger.
  const batches = Array.from({ length: DECISIONS / BATCH }, (_, at) => events.slice(at * BATCH, (at + 1) * BATCH))
  const samples = await alternate(
    {
      decided: times(batches.length, (at) => batches[at]?.flatMap(decide)),
      sealed: times(batches.length, (at) =>
        seal(ring, header, nonce(), Buffer.from(JSON.stringify(batches[at]?.flatMap(decide)))),
      ),
    },
    ROUNDS,
  )
  const rate = (side: keyof typeof samples) => each(samples[side], (ms) => (DECISIONS * 1000) / ms)
  return [
    figure(`decide, ${resources.toLocaleString('en')} resources`, '1/s', rate('decided')),
    compared('  decide and seal', '1/s', rate('sealed'), { name: 'unsealed', samples: rate('decided') }),
  ]
}

/** CloudTrail's files as they lie in S3, to outcomes; beside no more than unpacking and parsing them. */
async function replaying(rules: Measured): Promise<readonly Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'ds-'))
  try {
    const records = recordsOf(RECORDS, SIZES[0] ?? 1)
    for (let at = 0; at < RECORDS; at += RECORDS_A_FILE) {
      const file = { Records: records.slice(at, at + RECORDS_A_FILE) }
      await writeFile(join(dir, `${String(at).padStart(9, '0')}.json.gz`), gzipSync(JSON.stringify(file)))
    }
    const state = parseState(stateOf(repositoryNames(SIZES[0] ?? 1)), 'bench')
    const sides = {
      replay: async () => void (await replay(readRecords([dir]), replayWorld(rules, [state], []), () => {})),
      async parse() {
        for (const name of await readdir(dir)) JSON.parse(gunzipSync(await readFile(join(dir, name))).toString())
      },
    }
    const took = async (what: string, clock: keyof typeof clocks, goal?: Goal) => {
      const samples = await apart(sides, REPLAYS, clocks[clock])
      return compared(what, 'ms', samples.replay, { name: 'gunzip and JSON.parse', samples: samples.parse }, goal)
    }
    return [
      await took(`${RECORDS.toLocaleString('en')} records of .json.gz to outcomes`, 'wall'),
      await took('  on one core', 'core', { ratio: 1 / 1.3 }),
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export const core: Section = {
  title: 'Core: decisions, the state index, CloudTrail files',
  async run() {
    const rules = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))
    const figures: Figure[] = []
    for (const size of SIZES) figures.push(...(await building(rules, size)))
    for (const size of SIZES) figures.push(...(await deciding(rules, size)))
    return [...figures, ...(await replaying(rules))]
  },
}
