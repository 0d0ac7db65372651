import type { CloudEvent } from './event.ts'
import type { Advice, Finding, Severity } from './finding.ts'
import type { Json } from './json.ts'
import type { Threshold } from './native/thresholds.ts'

/** What a rule looks at: the audit record, and what the comparison with state made of it. */
export interface Subject {
  readonly event: CloudEvent
  readonly finding: Finding
  /** What the state holds at a path, sensitive values as digests; absent where no state knows the resource. */
  readonly attribute?: (path: string) => Json | undefined
}

/** The only calls that a rule can match; what is not given may be anything. A rule may still refuse one of these. */
export interface Reach {
  /** Short names, as `finding.service` has them: `ecr`. */
  readonly services?: ReadonlySet<string>
  readonly events?: ReadonlySet<string>
  /** Resource types; a rule with these looks at resources only. */
  readonly types?: ReadonlySet<string>
}

/** A condition's tree with the outcome of each of its parts. */
export interface Explanation {
  /** The part as its language writes it. */
  readonly text: string
  readonly outcome: boolean
  /** Of a check: what its field holds, if it holds anything. */
  readonly found?: string
  readonly parts: readonly Explanation[]
}

/** A compiled rule, whatever language it was written in. */
export interface Rule {
  readonly name: string
  readonly id?: string
  readonly description: string
  readonly severity: Severity
  readonly language: 'falco' | 'native'
  readonly tags: readonly string[]
  readonly reach: Reach
  /** With it, a finding that matches is counted, and only the one that reaches it is reported. */
  readonly threshold?: Threshold
  matches(subject: Subject): boolean
  message(subject: Subject): string
  explain(subject: Subject): Explanation
  /** What the rule has people do. */
  advice?(subject: Subject): Advice
}
