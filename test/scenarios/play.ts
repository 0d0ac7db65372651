import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { loadRules, type Measured } from '../../enclave/adapters/rules.ts'
import type { Finding } from '../../enclave/core/finding.ts'
import type { JsonObject } from '../../enclave/core/json.ts'
import { parseDriftignore } from '../../enclave/core/driftignore.ts'
import { parseState } from '../../enclave/core/state.ts'
import { createHold } from '../../enclave/hold.ts'
import { createMetrics } from '../../enclave/metrics.ts'
import { run, type Work } from '../../enclave/run.ts'
import { worldOf } from '../enclave/core/world.ts'
import { recordLog } from '../fakes/log.ts'
import { createMemoryQueue } from '../fakes/queue.ts'
import { actors, PRINCIPALS } from './actors.ts'
import type { Scenario, Step } from './scenario.ts'
import { stateText } from './state_text.ts'

const BEGAN = Date.parse('2026-01-15T12:00:00Z')
const MINUTE_MS = 60_000
/** Between two steps, where none says when it happened. */
const STEP_MS = 90_000
const ACCOUNT = '111122223333'

export const measured: Promise<Measured> = loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))

/** Plays a scenario to the loop that the enclave runs, and answers what it found at each step; what it ignores is left out. */
export async function play({ states, steps, region, driftignore }: Scenario): Promise<readonly (readonly Finding[])[]> {
  const { catalog, rules, writers } = await measured
  const serials = new Map(Object.keys(states).map((name) => [name, 1]))
  const held = new Map(Object.entries(states).map(([name, resources]) => [name, new Map(Object.entries(resources))]))
  const textOf = (name: string): string =>
    stateText(Object.fromEntries(held.get(name) ?? []), { serial: serials.get(name) ?? 1, lineage: name })
  const world = worldOf(
    Object.keys(states).map((name) => parseState(textOf(name), name)),
    { catalog, rules, writers, principals: () => PRINCIPALS, driftignore: parseDriftignore(driftignore) },
  )

  let now = BEGAN
  let found: Finding[] = []
  const queue = createMemoryQueue()
  const ending = new AbortController()
  const { promise: following, resolve: follow } = Promise.withResolvers<(moved: readonly string[]) => Promise<void>>()
  const work: Work = {
    queue,
    world,
    watch: {
      missing: () => [],
      refresh: async () => [],
      async follow(looked, signal) {
        follow(looked)
        await once(signal, 'abort')
      },
    },
    hold: createHold(),
    ledger: { append: async () => {}, read: async () => [], openedAt: 0, beyond: async () => {} },
    quarantine: async () => {},
    observe: (finding) => void found.push(finding),
    metrics: createMetrics(),
    clock: { now: () => now },
    log: recordLog().log,
  }
  const ended = run(work, ending.signal).catch(() => {}) // it ends by the abort below
  const looked = await following

  const sent: JsonObject[] = []
  async function take(step: Step, index: number): Promise<readonly Finding[]> {
    found = []
    if ('call' in step) {
      now += STEP_MS
      const record = step.again === undefined ? recordOf(step, index, { now, region }) : sent[step.again - 1]
      if (record === undefined) throw new Error(`step ${index + 1} repeats a call that was not made`)
      sent.push(record)
      await queue.drained()
      queue.send(JSON.stringify({ Records: [record] }))
      await queue.drained()
    } else if ('state' in step) {
      now += STEP_MS
      const resources = held.get(step.state)
      if (resources === undefined) throw new Error(`step ${index + 1} writes a state that the scenario has not`)
      for (const [address, attributes] of Object.entries(step.resources)) {
        if (attributes === null) resources.delete(address)
        else resources.set(address, attributes)
      }
      serials.set(step.state, (serials.get(step.state) ?? 1) + 1)
      world.states.replace(parseState(textOf(step.state), step.state), now)
      await looked([step.state])
    } else {
      now += step.wait * MINUTE_MS
      await looked([])
    }
    return found.filter(({ outcome }) => outcome !== 'ignored')
  }

  const findings: (readonly Finding[])[] = []
  for (const [index, step] of steps.entries()) findings.push(await take(step, index))
  ending.abort()
  await ended
  return findings
}

type Call = Extract<Step, { call: string }>

function recordOf(step: Call, index: number, { now, region }: { now: number; region: string }): JsonObject {
  const [service = '', eventName = ''] = step.call.split(' ')
  const time = new Date(step.at === undefined ? now : BEGAN + step.at * MINUTE_MS)
  return {
    eventVersion: '1.11',
    ...actors[step.by],
    eventTime: time.toISOString().replace(/\.\d+Z$/, 'Z'),
    eventSource: `${service}.amazonaws.com`,
    eventName,
    awsRegion: step.region ?? region,
    requestParameters: step.request,
    responseElements: step.response,
    requestID: `request-${index}`,
    eventID: `event-${index}`,
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: step.account ?? ACCOUNT,
    eventCategory: 'Management',
    ...(step.error === undefined ? {} : { errorCode: step.error, errorMessage: step.error }),
    ...step.record,
  }
}
