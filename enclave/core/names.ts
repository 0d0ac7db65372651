/** A KMS alias, alone or at the end of an ARN. */
export const KMS_ALIAS = /(?:^|:)alias\//

/** The ARN of a key whose id is nobody else's: not one of several Regions. */
const KEY_ARN = /^arn:aws[\w-]*:kms:[^:]*:\d{12}:key\/(?=[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$)/

const ARN_PREFIX = /^arn:aws[\w-]*:[^:]*:[^:]*:[^:]*:/
/** As CloudTrail writes a time in an answer: `Nov 21, 2026, 6:49:59 AM`, in UTC. */
const ANSWERED = /^[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2} [AP]M$/
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/

/** A key by its id, where that is enough to tell it from all others. */
export const normalKey = (name: string): string => name.replace(KEY_ARN, '')

/** Whether two names are one: the same, or one the ARN that ends with the other. Two ARNs differ in any part. */
export function endsArn(a: string, b: string): boolean {
  if (a === b) return true
  const [arn, name] = ARN_PREFIX.test(a) ? [a, b] : [b, a]
  if (!ARN_PREFIX.test(arn) || ARN_PREFIX.test(name) || name === '') return false
  const resource = arn.replace(ARN_PREFIX, '')
  return resource === name || resource.endsWith(`/${name}`) || resource.endsWith(`:${name}`)
}

/** Whether two versions are the same as far as the shorter one goes. */
export function isPrefixVersion(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return long === short || long.startsWith(`${short}.`)
}

/** A moment in one form; what is none stays. */
export function normalTime(text: string): string {
  const read = ANSWERED.test(text) ? `${text} UTC` : text
  if (read === text && !RFC_3339.test(text)) return text
  const time = Date.parse(read)
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}
