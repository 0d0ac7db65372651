import { draft } from '../../enclave/core/draft.ts'
import { parseRecord } from '../../enclave/core/cloudtrail.ts'
import type { Finding, OutcomeName } from '../../enclave/core/finding.ts'

/** A finding about a call of this id. */
export const findingOf = (eventID: string, outcome: OutcomeName = 'drift'): Finding =>
  draft(parseRecord({ eventName: 'PutImageTagMutability', eventSource: 'ecr.amazonaws.com', eventID }), outcome, 'why')

export const idsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ eventId }) => eventId)
