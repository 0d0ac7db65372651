/** A policy as IAM reads it: every element that may be one value or many is read as many. */
export interface Policy {
  readonly Statement: Statement | readonly Statement[]
}
export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: Principals
  readonly NotPrincipal?: Principals
  readonly Action?: OneOrMany
  readonly NotAction?: OneOrMany
  readonly Resource?: OneOrMany
  readonly NotResource?: OneOrMany
  readonly Condition?: Conditions
}
export type OneOrMany = string | readonly string[]
type Principals = '*' | Readonly<Partial<Record<'AWS' | 'Service' | 'Federated', OneOrMany>>>
export type Conditions = Readonly<Record<string, Readonly<Record<string, OneOrMany>>>>

/** Something that this evaluator does not know, and so must not judge. */
export class PolicyError extends Error {
  readonly code = 'ERR_POLICY'
}

export const many = (value: OneOrMany): readonly string[] => (typeof value === 'string' ? [value] : value)

/** `*` is any text, `?` any one character. */
export function isLike(pattern: string, value: string): boolean {
  if (pattern.includes('${')) throw new PolicyError(`policy variables are not known here: ${pattern}`)
  const source = pattern.replaceAll(/[$()+.[\\\]^{|}]/g, String.raw`\$&`)
  return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(value)
}

/** ARNs are compared part by part: a wildcard in one does not reach into the next. Of the last, colons are a part. */
export function isLikeArn(pattern: string, value: string): boolean {
  const [patterns, values] = [pattern, value].map((arn) => /^([^:]*:){5}/.exec(arn)?.[0].split(':').slice(0, 5))
  if (patterns === undefined || values === undefined) return false
  const rest = (arn: string) => arn.split(':').slice(5).join(':')
  return patterns.every((part, index) => isLike(part, values[index] ?? '')) && isLike(rest(pattern), rest(value))
}
