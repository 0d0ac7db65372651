import type { Catalog } from './catalog.ts'
import { draft } from './draft.ts'
import { enrich } from './enrich.ts'
import type { CloudEvent } from './event.ts'
import type { Finding } from './finding.ts'
import { judge } from './judge.ts'
import type { Ground } from './managed.ts'
import type { Rule } from './rule.ts'
import { triage } from './triage.ts'

/** Everything that an event is judged by. */
export interface World extends Ground {
  readonly catalog: Catalog
  readonly rules: readonly Rule[]
}

export type Decision =
  /** Final. Once the findings are stored, they go to `drifts.record`. */
  | { readonly kind: 'judged'; readonly findings: readonly Finding[] }
  /** Terraform made a change that its state does not show yet: ask again when the state moves, or at `until` (ms).
   *  The findings are what stands if no newer state ever comes. */
  | { readonly kind: 'held'; readonly until: number; readonly findings: readonly Finding[] }

/** The way of one event: triage, resolve, compare, judge, rules. Changes nothing in the world. */
export function detect(event: CloudEvent, world: World, now: number): Decision {
  const harmless = triage(event)
  if (harmless !== undefined) return judged(draft(event, 'ignored', harmless))
  const entry = world.catalog.entry(event.source, event.name)
  if (entry === undefined) {
    const unmapped = draft(event, 'unmapped', 'not checked: the catalog does not describe this call')
    return judged(once(enrich(event, unmapped, world.rules), world))
  }
  if (entry.kind === 'content') return judged(draft(event, 'ignored', 'writes content, not configuration'))
  const judgements = entry.targets.map((target) => judge(event, target, world, now))
  const findings = judgements
    .flatMap((judgement) => judgement.findings)
    .map((finding) => once(enrich(event, finding, world.rules), world))
  const until = judgements.flatMap((judgement) => judgement.until ?? [])
  return until.length > 0 ? { kind: 'held', until: Math.min(...until), findings } : { kind: 'judged', findings }
}

const judged = (finding: Finding): Decision => ({ kind: 'judged', findings: [finding] })

/** Queues deliver twice and trails overlap: what an event already led to is not said again. */
function once(finding: Finding, { drifts }: World): Finding {
  if (!drifts.isSeen(finding)) return finding
  const { resolves: _, ...rest } = finding
  return {
    ...rest,
    outcome: 'ignored',
    changes: {},
    delta: {},
    kind: null,
    verdict: null,
    rules: [],
    severity: 'info',
    reason: 'this event was already judged',
  }
}
