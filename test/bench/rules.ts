import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { loadRules, type Measured } from '../../enclave/adapters/rules.ts'
import { parseRecord } from '../../enclave/core/cloudtrail.ts'
import { detect } from '../../enclave/core/detect.ts'
import { draft } from '../../enclave/core/draft.ts'
import { parseRules } from '../enclave/core/falco/parse_rules.ts'
import type { Json } from '../../enclave/core/json.ts'
import { parseState, type State } from '../../enclave/core/state.ts'
import { stateOf } from '../../local/story.ts'
import { replay, replayWorld } from '../../operator/replay.ts'
import { alternate, compared, each, figure, times, type Figure, type Section } from './measure.ts'
import { drifting, recordsOf, repositoryNames } from './records.ts'

const LOADED = 1_000
const COUNTS = [0, 100, 1_000, 5_000]
/** Of the most rules that are loaded, so many are about the call itself. */
const ABOUT = [10, 100, 1_000]
const EVENTS = 20
const ROUNDS = 30
const RESOURCES = 1_000
const SIZES = [1, 10]
const HOSTILE_ROUNDS = 3
const MIXED = 10_000
/** With the rules the whole way of a record may take so much longer that they are 15 in a hundred of it. */
const WITHOUT_RULES = 0.85

/** Conditions of the kinds that rule files are made of; the events below are none of their calls. */
const CONDITIONS: readonly ((index: number) => string)[] = [
  (index) => `cloud.service = "ecr" and evt.name = "PutSetting${index}"`,
  (index) => `cloud.service = "ecr" and evt.name in ("Put${index}","Delete${index}") and cloud.user != "admin${index}"`,
  (index) => `evt.name = "PutSetting${index}" and drift.changes.image_tag_mutability = "MUTABLE"`,
  (index) => `cloud.service = "service${index}" and not evt.name startswith "Get"`,
]
/** The same call, and another value than the events have: all of the condition is tried. */
const ABOUT_THE_CALL = (index: number) =>
  `evt.name = "PutImageTagMutability" and drift.changes.image_tag_mutability = "SETTING_${index}"`

/** What takes a backtracking matcher longer than anyone waits, against text that almost matches. */
const HOSTILE = ['regex "(a+)+b"', 'glob "*a*a*a*a*b"', 'icontains "AAB"']

/** A Falco rule file of so many rules. */
export const ruleFile = (count: number, about = 0): string =>
  Array.from(
    { length: count },
    (_, index) => `- rule: rule_${index}
  desc: One of many.
  condition: ${index < about ? ABOUT_THE_CALL(index) : CONDITIONS[index % CONDITIONS.length]?.(index)}
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

    const shipped = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))
    const { catalog } = shipped
    const state = parseState(stateOf(repositoryNames(RESOURCES)), 'bench')
    const events = drifting(EVENTS, RESOURCES).map(parseRecord)
    const judging = (count: number, about = 0) => {
      const { rules: loaded } = parseRules('bench.yaml', ruleFile(count, about))
      const world = replayWorld({ catalog, rules: loaded }, [state], [])
      return times(1, () => events.forEach((event) => void detect(event, world, Date.parse(event.time))))
    }
    const most = Math.max(...COUNTS)
    const samples = await alternate(
      Object.fromEntries([
        ...COUNTS.map((count) => [`${count}`, judging(count)]),
        ...ABOUT.map((about) => [`${most}/${about}`, judging(most, about)]),
      ]),
      ROUNDS,
    )
    const micros = (side: string) => each(samples[side] ?? [], (ms) => (ms * 1000) / EVENTS)
    return [
      figure(`load ${LOADED.toLocaleString('en')} Falco rules`, 'ms', loading.load, { below: 500 }),
      ...COUNTS.map((count) =>
        figure(`judge a drift, ${count.toLocaleString('en')} rules about other calls`, 'µs', micros(`${count}`)),
      ),
      ...ABOUT.map((about) =>
        figure(
          `judge a drift, ${most.toLocaleString('en')} rules, ${about.toLocaleString('en')} of them about the call`,
          'µs',
          micros(`${most}/${about}`),
        ),
      ),
      await shareOf(shipped, state),
      ...(await hostileFields()),
    ]
  },
}

/** What the rules are of the way from a packed file to outcomes: the shipped ones, and so many of other calls that it is a thousand. */
async function shareOf(shipped: Measured, state: State): Promise<Figure> {
  const packed = gzipSync(JSON.stringify(recordsOf(MIXED, RESOURCES)))
  const others = parseRules('bench.yaml', ruleFile(LOADED - shipped.rules.length)).rules
  const thousand = [...shipped.rules, ...others]
  async function* file() {
    yield JSON.parse(gunzipSync(packed).toString()) as readonly Json[] // the records that were packed
  }
  const judging = (measured: Measured) => async () =>
    void (await replay(file(), replayWorld(measured, [state], []), () => {}))
  const samples = await alternate(
    { with: judging({ ...shipped, rules: thousand }), without: judging({ ...shipped, rules: [] }) },
    ROUNDS,
  )
  const beside = { name: 'no rules', samples: samples.without }
  const what = `${MIXED.toLocaleString('en')} mixed records to outcomes, ${thousand.length.toLocaleString('en')} rules`
  return compared(what, 'ms', samples.with, beside, { ratio: WITHOUT_RULES })
}

/** Time grows with the field and no faster, whatever the pattern. */
async function hostileFields(): Promise<readonly Figure[]> {
  const hostile = HOSTILE.map((check) => parseRules('x', ruleFor(`json.value[/text] ${check}`)).rules[0])
  const sides = SIZES.flatMap((size) => {
    const event = parseRecord({ eventName: 'Put', eventSource: 'x', text: 'a'.repeat(size << 20) })
    const subject = { event, finding: draft(event, 'drift', '') }
    return hostile.map((rule, place) => [`${HOSTILE[place]} on ${size} MB`, () => void rule?.matches(subject)] as const)
  })
  const samples = await alternate(Object.fromEntries(sides), HOSTILE_ROUNDS)
  return sides.map(([name]) => figure(name, 'ms', samples[name] ?? []))
}

const ruleFor = (condition: string): string =>
  `- {rule: r, desc: d, condition: '${condition}', output: o, priority: error}`
