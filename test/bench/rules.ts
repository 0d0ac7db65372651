import { fileURLToPath } from 'node:url'
import { loadRules } from '../../enclave/adapters/rules.ts'
import { parseRecord } from '../../enclave/core/cloudtrail.ts'
import { detect } from '../../enclave/core/detect.ts'
import { parseRules } from '../../enclave/core/falco/rules.ts'
import { parseState } from '../../enclave/core/state.ts'
import { stateOf } from '../../local/story.ts'
import { replayWorld } from '../../operator/replay.ts'
import { alternate, each, figure, times, type Section } from './measure.ts'
import { drifting, repositoryNames } from './records.ts'

const LOADED = 1_000
const COUNTS = [0, 100, 1_000, 5_000]
const EVENTS = 20
const ROUNDS = 30
const RESOURCES = 1_000

/** Conditions of the kinds that rule files are made of; none is true of the events below, so that all of it is tried. */
const CONDITIONS: readonly ((index: number) => string)[] = [
  (index) => `cloud.service = "ecr" and evt.name = "PutSetting${index}"`,
  (index) => `cloud.service = "ecr" and evt.name in ("Put${index}","Delete${index}") and cloud.user != "admin${index}"`,
  (index) => `evt.name = "PutImageTagMutability" and drift.changes.image_tag_mutability = "SETTING_${index}"`,
  (index) => `cloud.service = "service${index}" and not evt.name startswith "Get"`,
]

/** A Falco rule file of so many rules. */
export const ruleFile = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `- rule: rule_${index}
  desc: One of many.
  condition: ${CONDITIONS[index % CONDITIONS.length]?.(index)}
  output: 'Rule ${index} (repository=%resource user=%user)'
  priority: warning
  tags: [aws, ecr]
`,
  ).join('\n')

export const rules: Section = {
  title: 'Rules: loading, and what they cost each event',
  async run() {
    const source = ruleFile(LOADED)
    const loading = await alternate({ load: () => void parseRules('bench.yaml', source) }, ROUNDS)

    const { catalog } = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))
    const state = parseState(stateOf(repositoryNames(RESOURCES)), 'bench')
    const events = drifting(EVENTS, RESOURCES).map(parseRecord)
    const judging = (count: number) => {
      // In files of a thousand: one that held all five thousand would be longer than a rule file may be.
      const loaded = Array.from({ length: Math.ceil(count / LOADED) }, () => parseRules('bench.yaml', source).rules)
      const world = replayWorld({ catalog, rules: loaded.flat().slice(0, count), warnings: [] }, [state], [])
      return times(1, () => events.forEach((event) => void detect(event, world, Date.parse(event.time))))
    }
    const sides = Object.fromEntries(COUNTS.map((count) => [count, judging(count)]))
    const samples = await alternate(sides, ROUNDS)
    const micros = (count: number) => each(samples[count] ?? [], (ms) => (ms * 1000) / EVENTS)
    return [
      figure(`load ${LOADED.toLocaleString('en')} Falco rules`, 'ms', loading.load),
      ...COUNTS.map((count) => figure(`judge a drift, ${count.toLocaleString('en')} rules`, 'µs', micros(count))),
    ]
  },
}
