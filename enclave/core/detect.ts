import { spread } from './among.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'
import { draft } from './draft.ts'
import { enrich } from './enrich.ts'
import type { Actor, CloudEvent } from './event.ts'
import type { Finding } from './finding.ts'
import { joined } from './join.ts'
import { judge } from './judge.ts'
import { resolve } from './resolve.ts'
import type { Ground } from './case.ts'
import type { Rule } from './rule.ts'
import type { RuleMatching } from './rule_index.ts'
import type { Sessions } from './sessions.ts'
import type { StateIndex } from './state_index.ts'
import type { Touched } from './touches.ts'
import { triage } from './triage.ts'

/** Everything that an event is judged by. */
export interface World extends Ground {
  readonly catalog: Catalog
  readonly rules: readonly Rule[]
  /** Without it all rules that match count. */
  readonly matching?: RuleMatching
  /** Who assumed whom. Events go to it before they are judged. */
  readonly sessions: Sessions
}

export type Decision = {
  readonly findings: readonly Finding[]
  /** What the event wrote: goes to `drifts.touch` at once. */
  readonly touched: readonly Touched[]
} & (
  | /** Final. The findings go to `drifts.record`. */ { readonly kind: 'judged' }
    /** Terraform made a change that its state does not show yet: ask again when the state moves, or at `until` (ms).
     *  The findings are what stands if no newer state ever comes. */
  | { readonly kind: 'held'; readonly until: number }
)

const CONTENT = 'writes content, not configuration'
const IDLE = 'changes nothing that Terraform holds'

/** Why an event, as nearly all, needs no judgement: what `detect` would say of one that it ignores at first sight. */
export const dismissal = (
  event: CloudEvent,
  { catalog, states }: Pick<World, 'catalog' | 'states'>,
): string | undefined => dismissed(event, catalog.entry(event.source, event.name), states)

function dismissed(event: CloudEvent, entry: CatalogEntry | undefined, states: StateIndex): string | undefined {
  const harmless = triage(event, entry)
  if (harmless !== undefined || entry === undefined) return harmless
  if (entry.kind === 'content') return CONTENT
  return entry.isContent && !entry.targets.some(({ type }) => states.has(type.name)) ? CONTENT : undefined
}

/** The way of one event: triage, resolve, compare, judge, rules. Changes nothing in the world. */
export function detect(record: CloudEvent, world: World, now: number): Decision {
  const entry = world.catalog.entry(record.source, record.name)
  const reason = dismissed(record, entry, world.states)
  if (reason !== undefined) return judged(draft(record, 'ignored', reason))
  const event = withActor(record, world.sessions.complete(record.actor))
  const unmapped = (what: string): Decision =>
    judged(said(event, draft(event, 'unmapped', `not checked: the catalog does not describe ${what}`), world))
  if (entry?.kind !== 'configuration') return unmapped('this call')
  if (entry.isIdle?.(event) === true) return judged(draft(event, 'ignored', IDLE))
  const all = joined(spread(entry.touches(event), world.states), world.states)
  const touches = entry.isContent ? all.filter((touch) => resolve(touch, world.states) !== undefined) : all
  if (touches.length === 0 && entry.isContent) return judged(draft(event, 'ignored', CONTENT))
  if (touches.length === 0)
    return entry.hasFailed(event)
      ? judged(draft(event, 'ignored', 'the call failed for all that it names'))
      : unmapped('what this call changes')
  const [findings, touched]: [Finding[], Touched[]] = [[], []]
  let until = Infinity
  for (const touch of touches) {
    const judgement = judge(touch, world, now)
    for (const finding of judgement.findings) findings.push(said(event, finding, world))
    if (judgement.touched !== undefined) touched.push(judgement.touched)
    until = Math.min(until, judgement.until ?? Infinity)
  }
  return until === Infinity ? { kind: 'judged', findings, touched } : { kind: 'held', until, findings, touched }
}

/** The event of a call that did not fail. Written out: V8 copies what a class made member by member, each looked up. */
function withActor(record: CloudEvent, actor: Actor): CloudEvent {
  const { cloud, id, time, source, name, account, region, type, readOnly, request, response, record: whole } = record
  return { cloud, id, time, source, name, account, region, type, readOnly, request, response, record: whole, actor }
}

const judged = (finding: Finding): Decision => ({ kind: 'judged', findings: [finding], touched: [] })

const said = (event: CloudEvent, finding: Finding, world: World): Finding =>
  once(event, enrich(event, finding, world), world)

/** Queues deliver twice and trails overlap: what an event already led to is not said again. */
function once(event: CloudEvent, finding: Finding, { drifts }: World): Finding {
  if (!drifts.isSeen(finding)) return finding
  return draft(event, 'ignored', 'this event was already judged', finding)
}
