import * as v from 'valibot'
import type { Json } from '../json.ts'
import { CHANGE_OPERATORS, isPattern, NUMBER_OPERATORS, VALUE_OPERATORS } from './operators.ts'
import { PREDICATES } from './predicates.ts'
import { MAX_COUNT } from './thresholds.ts'

/** A file of rules/policies. Descriptions reach people's editors through rules/schema/policy.schema.json. */

const MAX_RULES = 10_000
const MAX_PATTERN = 1024

const namesOf = <T extends object>(table: T): [keyof T & string, ...(keyof T & string)[]] =>
  // Object.keys loses what the table's type knows; each table has members.
  Object.keys(table) as [keyof T & string, ...(keyof T & string)[]]

const text = v.pipe(v.string(), v.minLength(1))
const json = v.custom<Json>((value) => value !== undefined, 'expected a value')
const described = <T extends v.GenericSchema>(schema: T, description: string) =>
  v.pipe(schema, v.description(description))
const listOf = <T extends v.GenericSchema>(schema: T) => v.pipe(v.array(schema), v.minLength(1))

export const FIELD =
  /^(?:(?:request|response|record)\.[\w.-]+|resource\.(?:type|id|address|state)|actor\.(?:type|name|arn|account|role|session|sourceIdentity|mfa|console|invokedBy|sourceIp|userAgent)|kind|outcome|verdict|account|region|service|event|time)$/

const attribute = described(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][^\s]*$/, 'an attribute is a path such as tags.Environment')),
  "Terraform's path of the attribute: instance_type, tags.Environment, metadata_options.http_tokens",
)
const field = described(
  v.pipe(
    v.string(),
    v.regex(FIELD, 'a field is request.…, response.…, record.…, resource.…, actor.…, kind, event, account, …'),
  ),
  'Something else than an attribute: request.keyId, actor.type, resource.address, kind, event, account, region',
)
const valueOperator = v.picklist(namesOf(VALUE_OPERATORS))
const numberOperator = v.picklist(namesOf(NUMBER_OPERATORS))
const pattern = described(
  v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_PATTERN), v.check(isPattern, 'RE2 cannot read this pattern')),
  "A pattern in RE2's syntax, which matches anywhere unless ^ and $ say otherwise",
)
const port = described(
  v.union([
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
    v.pipe(v.string(), v.regex(/^\d{1,5}-\d{1,5}$/, 'a port is a number or a range such as 8000-8999')),
  ]),
  'A port, or a range such as 8000-8999',
)

/** What can be asked of any value, wherever it stands. */
const asking = <T extends v.ObjectEntries>(subject: T) =>
  [
    v.strictObject({ ...subject, operator: valueOperator, value: json }),
    v.strictObject({ ...subject, operator: numberOperator, value: v.number() }),
    v.strictObject({ ...subject, operator: v.literal('in'), value: listOf(json) }),
    v.strictObject({ ...subject, operator: v.literal('matches'), value: pattern }),
    v.strictObject({ ...subject, operator: v.literal('exists') }),
  ] as const

const ofAttribute = v.variant('operator', [
  v.strictObject({ attribute, operator: v.literal('changed'), from: v.optional(json), to: v.optional(json) }),
  ...asking({ attribute }),
  v.strictObject({ attribute, operator: v.picklist(['added', 'removed']), value: v.optional(json) }),
  v.strictObject({ attribute, operator: v.picklist(namesOf(CHANGE_OPERATORS)) }),
  v.strictObject({
    attribute: v.optional(attribute),
    operator: v.literal('opened_to_world'),
    ports: v.optional(listOf(port)),
  }),
  v.strictObject({
    attribute: v.optional(attribute),
    operator: v.picklist(namesOf(PREDICATES).filter((name) => name !== 'opened_to_world')),
  }),
])
const ofField = v.variant('operator', [...asking({ field })])

export type AttributeSource = v.InferOutput<typeof ofAttribute>
export type FieldSource = v.InferOutput<typeof ofField>
export type ConditionSource =
  | AttributeSource
  | FieldSource
  | { readonly all: readonly ConditionSource[] }
  | { readonly any: readonly ConditionSource[] }
  | { readonly not: ConditionSource }

const group = (): v.GenericSchema<ConditionSource>[] => [
  v.strictObject({ all: listOf(condition) }),
  v.strictObject({ any: listOf(condition) }),
  v.strictObject({ not: condition }),
]

/** By the key that tells them apart, so that a mistake is told of the form that was meant; of no input, all of them. */
const condition: v.GenericSchema<ConditionSource> = v.lazy((input: unknown): v.GenericSchema<ConditionSource> => {
  if (input === undefined) return v.union([ofAttribute, ofField, ...group()])
  const has = (key: string) => typeof input === 'object' && input !== null && Object.hasOwn(input, key)
  const at = ['all', 'any', 'not'].findIndex(has)
  return at >= 0 ? (group()[at] ?? ofAttribute) : has('field') ? ofField : ofAttribute
})

const glob = (what: string) => described(text, `${what}; * stands for anything`)

const identity = v.pipe(
  v.strictObject({
    type: v.optional(glob("CloudTrail's type of identity, such as AssumedRole")),
    principal_id: v.optional(glob("CloudTrail's principalId, such as AROAEXAMPLE:session")),
    arn: v.optional(glob("The caller's ARN")),
    role: v.optional(glob('The ARN of the assumed role')),
    account_id: v.optional(glob("The caller's account")),
    user_name: v.optional(glob('The name of an IAM user')),
    invoked_by: v.optional(glob('The service that made the call')),
    principal_email: v.optional(glob("Google's principalEmail")),
  }),
  v.check((asked) => Object.keys(asked).length > 0, 'a filter that names nothing would leave out everybody'),
)

export type IdentitySource = v.InferOutput<typeof identity>

const KINDS = ['changed', 'created', 'deleted'] as const
const OUTCOMES = ['drift', 'unmanaged', 'unmapped'] as const
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const

const pair = v.custom<readonly [Json, Json]>(
  (value) => Array.isArray(value) && value.length === 2,
  'expected [old, new]',
)
const object = v.custom<Readonly<Record<string, Json>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected a mapping',
)

/** What happened, in as few words as the rule needs. */
const happening = {
  type: v.optional(described(text, "The resource's type; without it the first of the rule's that is no pattern")),
  address: v.optional(described(text, "Terraform's address; null of an unmanaged resource is the default")),
  id: v.optional(text),
  event: v.optional(described(text, 'As in `events`; without it the first of the rule that is no pattern')),
  kind: v.optional(v.picklist(KINDS)),
  outcome: v.optional(v.picklist(OUTCOMES)),
  changes: v.optional(described(v.record(v.string(), pair), 'path: [old, new]')),
  attributes: v.optional(described(object, 'What the state holds')),
  actor: v.optional(described(object, "Parts of a finding's actor: type, name, role, …")),
  account: v.optional(text),
  request: v.optional(described(object, "The record's requestParameters")),
  identity: v.optional(described(identity, 'As in a filter')),
  times: v.optional(described(v.pipe(v.number(), v.integer(), v.minValue(1)), 'How often, a second apart; once')),
}

/** An event that a rule must match, or must not. Held by rules in either language. */
const short = v.strictObject({ name: v.optional(text), fires: v.boolean(), ...happening })
const whole = v.strictObject({
  name: v.optional(text),
  fires: v.boolean(),
  record: described(object, 'A whole audit record, which goes through the whole detector'),
  state: v.optional(described(v.record(v.string(), object), 'Terraform address to attributes'), {}),
})
export type ShortExample = v.InferOutput<typeof short>
export type WholeExample = v.InferOutput<typeof whole>
export type Example = ShortExample | WholeExample

export const exampleSchema: v.GenericSchema<unknown, Example> = v.lazy(
  (input: unknown): v.GenericSchema<unknown, Example> => {
    if (input === undefined) return v.union([short, whole])
    return typeof input === 'object' && input !== null && Object.hasOwn(input, 'record') ? whole : short
  },
)

const actions = v.variant('type', [
  v.strictObject({ type: v.literal('alert'), channels: v.exactOptional(listOf(text)) }),
  v.strictObject({ type: v.literal('create_ticket'), system: v.exactOptional(text) }),
  v.strictObject({ type: v.literal('audit_log') }),
])

export const ruleSchema = v.strictObject({
  id: described(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w.-]*$/, 'an id is letters, digits, and . _ -')),
    'Unique among all rules: aws-001',
  ),
  name: described(text, 'What an alert is headed with'),
  description: v.optional(text),
  severity: v.picklist(SEVERITIES),
  enabled: v.optional(v.boolean(), true),
  resource_types: v.optional(listOf(glob('aws_iam_role, aws_iam_*'))),
  events: v.optional(
    listOf(
      described(
        v.pipe(v.string(), v.regex(/^[^\s:]+:\S+$/, 'an event is service:Name, such as kms:ScheduleKeyDeletion')),
        'service:Name, such as kms:ScheduleKeyDeletion; * stands for anything',
      ),
    ),
  ),
  kinds: v.optional(described(listOf(v.picklist(KINDS)), 'What happened to the resource; without it, anything')),
  outcomes: v.optional(
    described(listOf(v.picklist(OUTCOMES)), 'What the detector made of it; without it, any of these'),
  ),
  conditions: v.optional(
    described(
      listOf(condition),
      'One of the `changed` conditions must hold, where there are any, and every other one; all, any and not make groups',
    ),
  ),
  filters: v.optional(
    described(listOf(v.strictObject({ user_identity: identity, action: v.literal('skip') })), 'Callers to leave out'),
  ),
  threshold: v.optional(
    v.strictObject({
      count: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(MAX_COUNT)),
      window: described(
        v.pipe(v.string(), v.regex(/^[1-9]\d{0,4}[smhd]$/, 'a window is a number and s, m, h or d, such as 10m')),
        'Such as 10m, in the time of the events',
      ),
      per: v.optional(v.picklist(['actor', 'resource', 'account']), 'account'),
    }),
  ),
  tags: v.optional(listOf(text)),
  references: v.optional(
    v.strictObject({
      cis: v.exactOptional(described(listOf(text), "Sections of CIS's benchmark")),
      mitre: v.exactOptional(
        listOf(v.pipe(v.string(), v.regex(/^TA?\d{4}(?:\.\d{3})?$/, 'an ATT&CK id is such as T1562.008'))),
      ),
      urls: v.exactOptional(listOf(v.pipe(v.string(), v.regex(/^https:\/\//, 'a reference is an https:// link')))),
    }),
  ),
  actions: v.optional(listOf(actions)),
  remediation: v.optional(described(listOf(text), 'Steps; {placeholder} is filled in where that is safe')),
  runbook: v.optional(described(text, 'An https:// link; {placeholder} as in remediation')),
  examples: v.optional(listOf(exampleSchema)),
})

/** A file before its rules are looked at one by one. */
export const outlineSchema = v.strictObject({ rules: v.pipe(v.array(v.unknown()), v.maxLength(MAX_RULES)) })
export const fileSchema = v.strictObject({ rules: v.array(ruleSchema) })
export type RuleSource = v.InferOutput<typeof ruleSchema>
