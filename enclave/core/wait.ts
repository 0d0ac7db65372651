import { draft } from './draft.ts'
import type { Finding } from './finding.ts'
import type { Call, Ground } from './case.ts'
import { waiting } from './terraform.ts'

/** Findings that stand; with `until` only for so long, and are then to be made anew. */
export interface Waited {
  readonly findings: readonly Finding[]
  readonly until?: number
}

const isAlarm = ({ outcome }: Finding): boolean => outcome === 'drift' || outcome === 'unmanaged'

/** Has Terraform's changes wait for its states, and what only seems to change nothing while one of those is under way. */
export function wait(findings: readonly Finding[], call: Call, names: readonly string[], ground: Ground): Waited {
  if (call.run !== 'terraform') return findings.some(isAlarm) ? { findings } : behindTerraform(findings, call, ground)
  const { event, target, subject, now } = call
  if (!findings.some(isAlarm)) {
    if (!isStep(call)) return { findings }
    const made = waiting(Date.parse(event.time), names, ground, now)
    return made.kind === 'held' ? { findings, until: made.until } : { findings }
  }
  const expected = (reason: string): readonly Finding[] => [draft(event, 'expected', reason, subject)]
  const left = waiting(Date.parse(event.time), names, ground, now)
  if (left.kind === 'held')
    return { findings: expected("Terraform's own run; the state does not show it yet"), until: left.until }
  // What Terraform deletes leaves the state with it. A state written since that has it was given a new one.
  if (left.kind === 'moved' && target.effect === 'delete')
    return { findings: expected("Terraform's own run, which made the resource again") }
  // What only shows it was read before: a role that lists a policy whose attachment left the state.
  if (left.kind === 'moved' && target.isMirror === true)
    return { findings: expected("Terraform's own run, on what its state had as a resource of its own") }
  // What the record does not show, such a state does.
  if (left.kind === 'moved' && isUnseen(call)) {
    const others = findings.filter((finding) => !isAlarm(finding))
    return { findings: others.length > 0 ? others : expected("Terraform's own run; its state was written since") }
  }
  return { findings }
}

/** Making a resource may take several calls, the last of which sets what a resource has that nobody set. */
const isStep = ({ subject, target, comparison }: Call): boolean =>
  subject.resource.state === null && target.effect !== 'delete' && comparison.touched.length > 0

const isUnseen = ({ subject, comparison: { changes } }: Call): boolean =>
  subject.resource.state !== null && changes.length > 0 && changes.every(({ suspected }) => suspected)

/** It agrees with a state that Terraform is about to write anew: whether it does with the next one, that one will show. */
function behindTerraform(findings: readonly Finding[], call: Call, ground: Ground): Waited {
  const { subject, comparison, now } = call
  const { state, address } = subject.resource
  if (state === null || address === null) return { findings }
  const until = comparison.touched
    .flatMap((path) => ground.drifts.touches.heldAt(state, address, path) ?? [])
    .map((time) => waiting(time, [state], ground, now))
    .flatMap((before) => (before.kind === 'held' ? [before.until] : []))
  return until.length > 0 ? { findings, until: Math.max(...until) } : { findings }
}
