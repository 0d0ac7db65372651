import type { Finding } from '../../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../../enclave/core/json.ts'
import { splitPath, valueAt } from '../../../../enclave/core/path.ts'
import type { Subject } from '../../../../enclave/core/rule.ts'
import { subject as ecrSubject } from '../falco/subject.ts'

/** A finding, and what the state holds of its resource. */
export const subject = (finding: Partial<Finding>, attributes: JsonObject = {}): Subject => ({
  ...ecrSubject(finding),
  attribute: (path) => valueAt(attributes, splitPath(path)),
})

export const changed = (changes: Finding['changes'], attributes: JsonObject = {}): Subject =>
  subject({ changes }, attributes)

/** Under the field that identity filters read. */
export const by = (userIdentity: JsonObject, finding: Partial<Finding> = {}): Subject => {
  const made = subject(finding)
  return { ...made, event: { ...made.event, record: { userIdentity } } }
}
