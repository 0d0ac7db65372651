import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadRules } from '../../enclave/adapters/rules.ts'
import type { JsonObject } from '../../enclave/core/json.ts'
import { parseState } from '../../enclave/core/state.ts'
import { stateOf } from '../../local/story.ts'
import { replay, replayWorld } from '../../operator/replay.ts'
import { figure, type Figure, type Section } from './measure.ts'
import { recordsFrom, repositoryNames } from './records.ts'

/** Where the memory is read; the run ends with the last. */
const MARKS = [1_000_000, 3_000_000, 10_000_000]
const BATCH = 10_000
const RESOURCES = 10_000
const BYTES_A_MB = 1e6

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag has just exposed

export const memory: Section = {
  title: 'Memory over ten million events, in one world',
  async run() {
    const rules = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))
    const world = replayWorld(rules, [parseState(stateOf(repositoryNames(RESOURCES)), 'bench')], [])
    const figures: Figure[] = []
    async function* batches(): AsyncGenerator<readonly JsonObject[]> {
      const end = Math.max(...MARKS)
      for (let at = 0; at <= end; at += BATCH) {
        if (MARKS.includes(at)) figures.push(...memoryAfter(at))
        if (at < end) yield recordsFrom(at, BATCH, RESOURCES)
      }
    }
    await replay(batches(), world, () => {})
    return figures
  },
}

function memoryAfter(events: number): readonly Figure[] {
  collect()
  const { heapUsed, rss } = process.memoryUsage()
  return [
    figure(`heap after ${events.toLocaleString('en')} events`, 'MB', [heapUsed / BYTES_A_MB]),
    figure('  whole process', 'MB', [rss / BYTES_A_MB]),
  ]
}
