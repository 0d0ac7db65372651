import { matchesGlob } from '../glob.ts'
import { canonicalJson, isObject, type Json, type JsonObject } from '../json.ts'
import { policyIn } from '../policy.ts'

/** A grant of so many combinations is taken for a wider one without comparing them. */
const MAX_COMBINATIONS = 20_000

const EVERYBODY = /^(?:AWS|Federated|Not):\*$/
const ADMIN = /^(?:\*|\*:\*)$/
/** Condition keys that narrow who a caller may be. One that says nothing of the caller leaves `*` everybody. */
const CALLER_KEY =
  /^(?:aws:(?:principal(?:arn|account|orgid|orgpaths|servicename)|source(?:arn|account|vpc|vpce|vpcarn|ip|orgid|orgpaths|owner)|userid)|kms:(?:calleraccount|viaservice)|s3:dataaccesspoint(?:arn|account)|elasticfilesystem:accessedviamounttarget)$/i
/** Of an operator that only refuses, such as StringNotEquals, nothing narrows whom `*` lets in. */
const NARROWING = /^(?:ForAnyValue:)?(?:StringEquals(?:IgnoreCase)?|StringLike|Arn(?:Equals|Like)|IpAddress|Bool)$/i

interface Statement {
  readonly isAllow: boolean
  readonly principals: readonly string[]
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly condition: JsonObject
  /** Whether it speaks by exception (`NotAction`, …): then only an equal statement covers it. */
  readonly isNegative: boolean
  readonly text: string
}

/** Whether a policy lets anybody in. */
export const isPublicPolicy = (policy: Json): boolean =>
  statementsOf(policy).some(
    (statement) => statement.isAllow && hasEverybody(statement) && !isNarrowed(statement.condition),
  )

/** Whether a policy allows everything on everything. */
export const isAdminPolicy = (policy: Json): boolean =>
  statementsOf(policy).some(
    ({ isAllow, isNegative, actions, resources }) =>
      isAllow && !isNegative && actions.some((action) => ADMIN.test(action)) && resources.includes('*'),
  )

/** Whether a policy allows something that the old one did not, or has lost something that the old one denied. */
export function isWider(old: Json, now: Json): boolean {
  const [before, after] = [statementsOf(old), statementsOf(now)]
  const [allowed, denied] = [before.filter(({ isAllow }) => isAllow), after.filter(({ isAllow }) => !isAllow)]
  return (
    after.some((statement) => statement.isAllow && !isCovered(statement, allowed)) ||
    before.some((statement) => !statement.isAllow && !isCovered(statement, denied))
  )
}

/** Whether a policy trusts somebody whom the old one did not. */
export function trustsMore(old: Json, now: Json): boolean {
  const trusted = principalsOf(old)
  return principalsOf(now).some((principal) => !trusted.some((other) => matchesGlob(other, principal)))
}

const principalsOf = (policy: Json): readonly string[] =>
  statementsOf(policy)
    .filter(({ isAllow }) => isAllow)
    .flatMap(({ isNegative, principals, text }) => (isNegative ? [text] : principals))

/** Each combination must lie in one of the others; a condition that is the same or was not there narrows no less. */
function isCovered(statement: Statement, others: readonly Statement[]): boolean {
  if (others.some(({ text }) => text === statement.text)) return true
  const { principals, actions, resources, condition, isNegative } = statement
  if (isNegative || principals.length * actions.length * resources.length * others.length > MAX_COMBINATIONS)
    return false
  const wider = others.filter((other) => !other.isNegative && isLooser(other.condition, condition))
  return principals.every((principal) =>
    actions.every((action) =>
      resources.every((resource) =>
        wider.some(
          (other) =>
            covers(other.principals, principal) && covers(other.actions, action) && covers(other.resources, resource),
        ),
      ),
    ),
  )
}

const covers = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => matchesGlob(pattern, text))

const isLooser = (a: JsonObject, b: JsonObject): boolean =>
  Object.keys(a).length === 0 || canonicalJson(a) === canonicalJson(b)

const hasEverybody = ({ principals }: Statement): boolean => principals.some((principal) => EVERYBODY.test(principal))

const isNarrowed = (condition: JsonObject): boolean =>
  Object.entries(condition).some(
    ([operator, keys]) =>
      NARROWING.test(operator) &&
      isObject(keys) &&
      Object.entries(keys).some(([key, values]) => CALLER_KEY.test(key) && !texts(values).some(isEverything)),
  )

const isEverything = (value: string): boolean => /^(?:\*|0\.0\.0\.0\/0|::\/0)$/.test(value)

function statementsOf(policy: Json): readonly Statement[] {
  const document = policyIn(policy)
  return isObject(document) ? parsed.getOrInsertComputed(document, parseStatements) : []
}

/** By the policies that are remembered: several predicates ask of one. */
const parsed = new WeakMap<JsonObject, readonly Statement[]>()

const parseStatements = ({ Statement: statements }: JsonObject): readonly Statement[] =>
  Array.isArray(statements) ? statements.filter(isObject).map(parseStatement) : []

function parseStatement(statement: JsonObject): Statement {
  const { Sid: _, ...rest } = statement
  return {
    isAllow: statement['Effect'] === 'Allow',
    // Whoever is not named is let in: everybody, for what it matters here.
    principals: statement['NotPrincipal'] === undefined ? principalTexts(statement['Principal']) : ['Not:*'],
    actions: texts(statement['Action']),
    // A trust policy names no resource: it is about its role.
    resources: statement['Resource'] === undefined ? [''] : texts(statement['Resource']),
    condition: isObject(statement['Condition']) ? statement['Condition'] : {},
    isNegative: ['NotAction', 'NotResource', 'NotPrincipal'].some((key) => statement[key] !== undefined),
    text: canonicalJson(rest),
  }
}

/** A policy on an identity names no principal: it is about its owner. */
function principalTexts(principal: Json | undefined): readonly string[] {
  if (!isObject(principal)) return ['']
  return Object.entries(principal).flatMap(([kind, ids]) => texts(ids).map((id) => `${kind}:${id}`))
}

const texts = (value: Json | undefined): readonly string[] => {
  const list: readonly Json[] = Array.isArray(value) ? value : [value ?? null]
  return list.filter((member) => typeof member === 'string')
}
