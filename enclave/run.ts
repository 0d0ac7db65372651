import { setTimeout as sleep } from 'node:timers/promises'
import { alarmFinding, type Alarm } from './core/alarm.ts'
import { EventError, parseMessage, parseRecord } from './core/cloudtrail.ts'
import { detect, type World } from './core/detect.ts'
import { rejected } from './core/draft.ts'
import type { CloudEvent } from './core/event.ts'
import type { Finding, OutcomeName } from './core/finding.ts'
import type { Json } from './core/json.ts'
import { awaken, settle } from './core/settle.ts'
import { expiredSuppressions } from './core/suppressions.ts'
import type { Held, Hold } from './hold.ts'
import type { Ledger } from './ledger.ts'
import type { Metrics } from './metrics.ts'
import type { Clock, Log, Message, Queue } from './ports.ts'
import type { Quarantine } from './quarantine.ts'
import { codeOf, persist } from './retry.ts'
import type { StateWatch } from './states.ts'
import { createTurn } from './turn.ts'

/** How often an enclave without its states looks whether they have come. */
const STATE_PAUSE_MS = 1000
/** Past the moment at which a held event is judged in any case, so that it is not also delivered again. */
const HIDE_MARGIN_SECS = 60
/** SQS hides a message for 12 hours at most, counted from when it was received. */
const MAX_HIDE_SECS = 43_000
/** What there is no room to hold comes back after this. */
const NO_ROOM_SECS = 300
/** What one ledger entry holds at most, so that opening it stays cheap. */
const MAX_ENTRY_FINDINGS = 256

/** What is sealed into the ledger; the other outcomes are counted. */
const LASTING: ReadonlySet<OutcomeName> = new Set<OutcomeName>([
  'drift',
  'resolved',
  'suppressed',
  'unmanaged',
  'unmapped',
  'rejected',
  'tamper',
])

export interface Work {
  readonly queue: Queue
  readonly world: World
  readonly watch: StateWatch
  readonly hold: Hold
  readonly ledger: Ledger
  readonly quarantine: Quarantine
  /** Told of every outcome once it is safe. */
  readonly observe: (finding: Finding) => void
  readonly metrics: Pick<Metrics, 'beat' | 'latency'>
  readonly clock: Clock
  readonly log: Log
}

/** Judges what comes until the signal aborts. A message leaves its queue only when all that it led to is stored. */
export async function run(work: Work, signal: AbortSignal): Promise<void> {
  const { queue, watch, metrics, log } = work
  // The world changes when a finding is stored, so nothing is judged while another judgement is being stored.
  const turn = createTurn()

  const events = async (): Promise<void> => {
    while (!signal.aborted) {
      if (watch.missing().length > 0) {
        // Judged against a state that is not there, everything would be unmanaged. The queue keeps what comes meanwhile.
        await sleep(STATE_PAUSE_MS, undefined, { signal })
        continue
      }
      const messages = await persist('queue.receive', () => queue.receive(signal), { log, signal })
      await turn(() => judgeMessages(messages, work, signal))
      metrics.beat()
    }
  }
  const states = watch.follow((moved) => turn(() => judgeAgain(moved, work, signal)), signal)
  await Promise.all([events(), states])
}

async function judgeMessages(messages: readonly Message[], work: Work, signal: AbortSignal): Promise<void> {
  const received = work.clock.now()
  const batch = createBatch(work, signal)
  const [done, held]: [Message[], Held[]] = [[], []]
  for (const message of messages) {
    const events: CloudEvent[] = []
    for (const [index, record] of (await recordsOf(message, batch)).entries()) {
      const event = await eventOf(record, `${message.id}/${index}`, batch)
      if (event !== undefined && !(await judgeEvent(event, batch))) events.push(event)
    }
    if (events.length === 0) done.push(message)
    else held.push({ message, events })
  }
  const alerts = await batch.commit()
  for (let alert = 0; alert < alerts; alert++) work.metrics.latency(work.clock.now() - received)
  for (const each of held) await wait(each, work)
  await remove(done, work)
}

/** Time has passed: what a state's new serial mends is resolved, and what waits for one, or has waited enough, is judged. */
async function judgeAgain(moved: readonly string[], work: Work, signal: AbortSignal): Promise<void> {
  const { world, clock } = work
  for (const alarm of expiredSuppressions(world.suppressions, clock.now())) await tell(alarm, work, signal)
  const batch = createBatch(work, signal)
  await batch.add(awaken(world, clock.now()))
  for (const state of moved) await batch.add(settle(state, world, clock.now()))
  const done: Message[] = []
  const held = work.hold.take()
  // Of a resource that a new state brings nobody knew what wrote it last: a step of a run is no drift when a later one followed.
  if (moved.length > 0)
    for (const event of held.flatMap(({ events }) => events))
      world.drifts.touch(detect(event, world, clock.now()).touched)
  for (const { message, events } of held) {
    const waiting: CloudEvent[] = []
    for (const event of events) if (!(await judgeEvent(event, batch))) waiting.push(event)
    if (waiting.length === 0) done.push(message)
    else work.hold.add({ message, events: waiting })
  }
  await batch.commit()
  await remove(done, work)
}

/** Whether the event was judged; if not, it waits for its state. */
async function judgeEvent(event: CloudEvent, batch: Batch): Promise<boolean> {
  const { world, clock } = batch.work
  world.sessions.record(event)
  const decision = detect(event, world, clock.now())
  world.drifts.touch(decision.touched)
  switch (decision.kind) {
    case 'judged':
      await batch.add(decision.findings)
      return true
    case 'held':
      return false
  }
}

/** An alarm takes the way of a finding. The same one is told once, also over restarts. */
export async function tell(alarm: Alarm, work: Work, signal: AbortSignal): Promise<void> {
  const finding = alarmFinding(alarm, work.clock.now())
  if (work.world.drifts.isSeen(finding)) return
  const batch = createBatch(work, signal)
  await batch.add([finding])
  await batch.commit()
}

/** Findings that are judged one after the other and stored together: a store that is far away is asked once for all. */
interface Batch {
  readonly work: Work
  readonly signal: AbortSignal
  /** Whatever is judged next is judged by these. Nobody is told of them before they are stored. */
  add(findings: readonly Finding[]): Promise<void>
  /** Nothing that the findings came from may be given up earlier. Answers how many were stored by now. */
  commit(): Promise<number>
}

function createBatch(work: Work, signal: AbortSignal): Batch {
  const { ledger, world, observe } = work
  let pending: Finding[] = []
  let stored = 0

  async function commit(): Promise<number> {
    const lasting = pending.filter(isLasting)
    if (lasting.length > 0) await ledger.append(lasting, signal)
    for (const finding of pending) observe(finding)
    pending = []
    return (stored += lasting.length)
  }

  return {
    work,
    signal,
    async add(findings) {
      pending.push(...findings)
      // If they cannot be stored the process ends, and the next one knows nothing of them.
      for (const finding of findings) if (isLasting(finding)) world.drifts.record(finding)
      if (pending.length >= MAX_ENTRY_FINDINGS) await commit()
    },
    commit,
  }
}

const isLasting = ({ outcome }: Finding): boolean => LASTING.has(outcome)

async function recordsOf(message: Message, batch: Batch): Promise<readonly Json[]> {
  try {
    return parseMessage(new TextDecoder('utf-8', { fatal: true }).decode(message.body))
  } catch (error) {
    await reject(message.body, message.id, error, batch)
    return []
  }
}

async function eventOf(record: Json, id: string, batch: Batch): Promise<CloudEvent | undefined> {
  try {
    return parseRecord(record)
  } catch (error) {
    await reject(Buffer.from(JSON.stringify(record)), id, error, batch)
    return undefined
  }
}

/** Input that is no event is put away for people to look at, counted and told, once; what follows it goes on. */
async function reject(bytes: Uint8Array, id: string, error: unknown, batch: Batch): Promise<void> {
  if (!(error instanceof EventError) && !(error instanceof TypeError)) throw error
  const { work, signal } = batch
  const finding = rejected(error instanceof EventError ? error.message : 'not UTF-8', id)
  if (work.world.drifts.isSeen(finding)) return
  await persist('quarantine', () => work.quarantine(bytes), { log: work.log, signal })
  await batch.add([finding])
}

async function wait({ message, events }: Held, work: Work): Promise<void> {
  const held = work.hold.add({ message, events })
  const seconds = held ? Math.ceil(work.world.holdMs / 1000) + HIDE_MARGIN_SECS : NO_ROOM_SECS
  if (!held) work.log('warn', 'hold.full')
  // If this fails the message merely comes back sooner.
  await work.queue
    .hide(message, Math.min(seconds, MAX_HIDE_SECS))
    .catch((error: unknown) => work.log('warn', 'queue.hide.failed', { error: codeOf(error) }))
}

async function remove(messages: readonly Message[], work: Work): Promise<void> {
  // What is not removed comes back and is found to be judged already.
  await work.queue
    .remove(messages)
    .catch((error: unknown) => work.log('warn', 'queue.remove.failed', { error: codeOf(error) }))
}
