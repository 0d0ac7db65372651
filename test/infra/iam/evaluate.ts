import { type Context, holds } from './conditions.ts'
import { isLike, many, type OneOrMany, type Policy, type Statement } from './policy.ts'

/** One request within one account, and every policy that has a say in it. */
export interface Request {
  /** The ARN of a role, user or root user, or the name of a service such as `events.amazonaws.com`. */
  readonly principal: string
  readonly action: string
  readonly resource: string
  readonly context?: Context
}
export interface Policies {
  readonly identity?: readonly Policy[]
  readonly resource?: Policy
  /** True of a KMS key and of a role's trust: what its own policy does not hand on, no identity policy can give. */
  readonly isResourceDecisive?: boolean
  /** What narrows and never gives: a VPC endpoint's policy, a permissions boundary. */
  readonly limits?: readonly Policy[]
}
export type Decision = 'allowed' | 'explicitly denied' | 'implicitly denied'

interface Match {
  readonly effect: Statement['Effect']
  /** `account`: the statement names the whole account, whose identity policies then decide. */
  readonly names: 'principal' | 'account'
}

/** The order is IAM's own: a Deny anywhere, then what narrows, then whoever allows. */
export function evaluate(request: Request, policies: Policies): Decision {
  const context = { ...impliedBy(request.principal), ...request.context }
  const matchesOf = (policy: Policy) => statementsOf(policy).flatMap((one) => match(one, request, context) ?? [])
  const identity = isService(request.principal) ? [] : (policies.identity ?? []).flatMap(matchesOf)
  const resource = policies.resource === undefined ? [] : matchesOf(policies.resource)
  const limits = (policies.limits ?? []).map(matchesOf)

  if ([identity, resource, ...limits].flat().some(({ effect }) => effect === 'Deny')) return 'explicitly denied'
  if (limits.some((limit) => limit.length === 0)) return 'implicitly denied'
  const isDirect = resource.some(({ names }) => names === 'principal')
  const isHandedOn = policies.isResourceDecisive !== true || resource.some(({ names }) => names === 'account')
  const isAllowedByOwn = identity.length > 0 || isRoot(request.principal)
  return isDirect || (isAllowedByOwn && isHandedOn) ? 'allowed' : 'implicitly denied'
}

const statementsOf = ({ Statement: one }: Policy): readonly Statement[] => ('Effect' in one ? [one] : one)
const isService = (principal: string): boolean => !principal.startsWith('arn:')
const accountOf = (arn: string): string => arn.split(':')[4] ?? ''
const isRoot = (principal: string): boolean => /^arn:[^:]+:iam::\d{12}:root$/.test(principal)

/** What AWS itself says about every request. */
function impliedBy(principal: string): Context {
  const common = { 'aws:SecureTransport': 'true' }
  if (isService(principal)) return { ...common, 'aws:PrincipalIsAWSService': 'true' }
  return {
    ...common,
    'aws:PrincipalIsAWSService': 'false',
    'aws:PrincipalArn': principal,
    'aws:PrincipalAccount': accountOf(principal),
  }
}

function match(statement: Statement, { principal, action, resource }: Request, context: Context): Match | undefined {
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement
  const isAction = (pattern: string) => isLike(pattern.toLowerCase(), action.toLowerCase())
  const isResource = (pattern: string) => isLike(pattern, resource)
  if (!covers(Action, NotAction, isAction) || !covers(Resource, NotResource, isResource)) return undefined
  const names = namedBy(statement, principal)
  if (names === undefined || !holds(Condition, context)) return undefined
  return { effect: statement.Effect, names }
}

/** An element and its negation exclude each other. A policy on one resource need not say which. */
function covers(some: OneOrMany | undefined, none: OneOrMany | undefined, test: (pattern: string) => boolean): boolean {
  if (some !== undefined) return many(some).some(test)
  return none === undefined || !many(none).some(test)
}

function namedBy({ Effect, Principal, NotPrincipal }: Statement, principal: string): Match['names'] | undefined {
  if (NotPrincipal !== undefined) return whom(NotPrincipal, principal) === undefined ? 'principal' : undefined
  if (Principal === undefined) return 'principal' // an identity policy: it is attached to whom it means
  const named = whom(Principal, principal)
  return Effect === 'Deny' && named !== undefined ? 'principal' : named
}

function whom(principals: NonNullable<Statement['Principal']>, principal: string): Match['names'] | undefined {
  if (principals === '*') return 'principal'
  if (isService(principal)) return many(principals.Service ?? []).includes(principal) ? 'principal' : undefined
  const named = many(principals.AWS ?? [])
  if (named.includes('*') || named.includes(principal)) return 'principal'
  const account = accountOf(principal)
  return named.some((one) => one === account || (isRoot(one) && accountOf(one) === account)) ? 'account' : undefined
}
