import type { Catalog, CatalogEntry } from './catalog.ts'
import { draft } from './draft.ts'
import { enrich } from './enrich.ts'
import type { CloudEvent } from './event.ts'
import type { Finding } from './finding.ts'
import { joined } from './join.ts'
import { judge } from './judge.ts'
import type { Ground } from './case.ts'
import type { Rule } from './rule.ts'
import type { RuleMatching } from './rule_index.ts'
import type { Sessions } from './sessions.ts'
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

/** Why an event, as nearly all, needs no judgement: what `detect` would say of one that it ignores at first sight. */
export const dismissal = (event: CloudEvent, catalog: Catalog): string | undefined =>
  dismissed(event, catalog.entry(event.source, event.name))

function dismissed(event: CloudEvent, entry: CatalogEntry | undefined): string | undefined {
  const harmless = triage(event, entry)
  if (harmless !== undefined) return harmless
  return entry?.kind === 'content' ? 'writes content, not configuration' : undefined
}

/** The way of one event: triage, resolve, compare, judge, rules. Changes nothing in the world. */
export function detect(record: CloudEvent, world: World, now: number): Decision {
  const entry = world.catalog.entry(record.source, record.name)
  const reason = dismissed(record, entry)
  if (reason !== undefined) return judged(draft(record, 'ignored', reason))
  // V8 spreads an instance of a class, as records are, several times slower than it assigns its members.
  const event: CloudEvent = Object.assign({}, record, { actor: world.sessions.complete(record.actor) })
  const unmapped = (what: string): Decision =>
    judged(said(event, draft(event, 'unmapped', `not checked: the catalog does not describe ${what}`), world))
  if (entry?.kind !== 'configuration') return unmapped('this call')
  const touches = joined(entry.touches(event), world.states)
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

const judged = (finding: Finding): Decision => ({ kind: 'judged', findings: [finding], touched: [] })

const said = (event: CloudEvent, finding: Finding, world: World): Finding =>
  once(event, enrich(event, finding, world), world)

/** Queues deliver twice and trails overlap: what an event already led to is not said again. */
function once(event: CloudEvent, finding: Finding, { drifts }: World): Finding {
  if (!drifts.isSeen(finding)) return finding
  const { resource, account, region } = finding
  return { ...draft(event, 'ignored', 'this event was already judged'), resource, account, region }
}
