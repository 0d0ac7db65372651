import type { CloudEvent } from './event.ts'
import type { Finding, Severity } from './finding.ts'

/** What a rule looks at: the audit record, and what the comparison with state made of it. */
export interface Subject {
  readonly event: CloudEvent
  readonly finding: Finding
}

/** A compiled rule, whatever language it was written in. */
export interface Rule {
  readonly name: string
  readonly severity: Severity
  matches(subject: Subject): boolean
  message(subject: Subject): string
}
