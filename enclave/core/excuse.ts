import type { Driftignore } from './driftignore.ts'
import type { CloudEvent } from './event.ts'
import type { Excuse } from './finding.ts'
import { suppressionOf, type Subject, type Suppression } from './suppressions.ts'
import { writerOf, type Writer } from './writers.ts'

/** Whom the measured configuration lets change what without an alert. */
export interface Allowances {
  readonly writers: readonly Writer[]
  readonly suppressions: readonly Suppression[]
  readonly driftignore: Driftignore
}

/** Why a change, or with a null path the resource itself, is not alerted; undefined when it is. */
export function excuseOf(
  event: CloudEvent,
  subject: Subject,
  path: string | null,
  allowances: Allowances,
  now: number,
): Excuse | undefined {
  return writerOf(event, subject.resource.type, path, allowances.writers) ?? quietOf(subject, path, allowances, now)
}

/** The same without the writers: why a difference that is there is kept quiet. */
export function quietOf(
  subject: Subject,
  path: string | null,
  { driftignore, suppressions }: Allowances,
  now: number,
): Excuse | undefined {
  const line = driftignore.ignores(subject.resource.type, subject.resource.id, path)
  if (line !== undefined) return { by: 'driftignore', name: line, reason: 'a line of .driftignore' }
  return suppressionOf(subject, path, suppressions, now)
}
