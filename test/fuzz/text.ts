import { EventError, parseMessage, parseRecord } from '../../enclave/core/cloudtrail.ts'
import { detect } from '../../enclave/core/detect.ts'
import { compile } from '../../enclave/core/falco/compile.ts'
import { parseCondition } from '../../enclave/core/falco/condition.ts'
import { parseRules } from '../enclave/core/falco/parse_rules.ts'
import { plainText, RuleError } from '../../enclave/core/falco/source.ts'
import { ANY_SOURCE } from '../../enclave/core/falco/sources.ts'
import type { Json } from '../../enclave/core/json.ts'
import { parseState, StateError } from '../../enclave/core/state.ts'
import { createStateIndex } from '../../enclave/core/state_index.ts'
import { catalog, ecr, repository, stateOf, stateText, worldOf } from '../enclave/core/world.ts'
import type { Decoder } from './decoder.ts'
import { changeJson } from './json.ts'
import { mutate, type Random } from './mutate.ts'

const toBytes = (text: string) => Buffer.from(text)
const toText = (input: Uint8Array) => Buffer.from(input).toString('utf8')
const toParts = (words: string) => words.split(' ').map(toBytes)
const jsonParts = toParts(
  String.raw`null true 0 -1 1e400 "" [] {} [[[[ {"a": , : \u0000 \ud800 "__proto__" "constructor" "toString"`,
)

/** Mostly still JSON: what is none goes no further than the parser of the language itself. */
function mutateJson(values: readonly Json[], random: Random): Uint8Array {
  const value = values[random() % values.length] ?? null
  if (random() % 4 === 0) return mutate([toBytes(JSON.stringify(value))], jsonParts, random)
  return toBytes(JSON.stringify(changeJson(value, value, random)))
}

const toSeeds = (values: readonly Json[]) => values.map((value) => toBytes(JSON.stringify(value)))

const records = ecr.examples.map(({ record }) => record)
const messages: readonly Json[] = [
  ...records,
  { Records: records.slice(0, 2) },
  { 'detail-type': 'AWS API Call via CloudTrail', detail: records[0] ?? null },
  { Type: 'Notification', Message: JSON.stringify({ Records: records.slice(0, 1) }) },
]
const world = worldOf([stateOf(repository)])

/** What a message of the queue carries is parsed and judged. Whoever may call the API writes most of it. */
export const cloudtrail: Decoder = {
  seeds: toSeeds(messages),
  make: (random) => mutateJson(messages, random),
  error: EventError,
  read(input) {
    for (const record of parseMessage(toText(input))) detect(parseRecord(record), world, 0)
  },
}

const states = [{}, { serial: 7, sensitive: ['name', 'tags'] }].map(
  (settings) => JSON.parse(stateText(repository, settings)) as Json,
)

/** A state is parsed and indexed. It comes out of a bucket to which others write. */
export const state: Decoder = {
  seeds: toSeeds(states),
  make: (random) => mutateJson(states, random),
  error: StateError,
  read(input) {
    createStateIndex(catalog.types).replace(parseState(toText(input), 'state'), 0)
  },
}

const conditions = [
  'cloud.service = "ecr" and evt.name in ("SetRepositoryPolicy", DeleteRepositoryPolicy)',
  'drift.changes.image_tag_mutability = MUTABLE and not (cloud.user = admin or cloud.user startswith "arn:aws:")',
  String.raw`cloud.resource glob "my-*" or cloud.region=eu-west-1 and drift.address contains "module.\x61[\"x\"]"`,
  'evt.name regex "^(Put|Set)[A-Z]+.*$" and cloud.user contains anyof (admin, root)',
  'drift.old_value exists and drift.new_value >= -1.5e+3 and not not ((cloud.account != 111122223333))',
  'join("-", (tolower(ct.user), "x")) = val(ct.name) or ec2.imageids[0] in (a) or cloud.net = 10.0.0.0/8',
].map(toBytes)
const conditionParts = toParts(
  String.raw`and or not in ( ) (( [0] = != >= exists contains regex glob pmatch tolower( val( join( , "x" ' " \x41 (a+)+$ 0xF`,
)

/** A condition is parsed and compiled. */
export const falco: Decoder = {
  seeds: conditions,
  make: (random) => mutate(conditions, conditionParts, random),
  error: RuleError,
  read(input) {
    compile(parseCondition(plainText(toText(input))), ANY_SOURCE)
  },
}

const ruleFiles = [
  `- list: names
  items: [PutObject, "a b"]
- macro: writes
  condition: ct.name in (names) or evt.name startswith Put
- rule: r
  desc: d
  condition: writes and not ct.error exists
  output: "%ct.user %json.value[/a] %10evt.time"
  priority: error
  source: aws_cloudtrail
  tags: [a, b]
  exceptions:
    - {name: e, fields: [ct.user, ct.region], comps: [=, in], values: [[a, [b, c]]]}
- rule: r
  condition: and evt.num > 0
  exceptions: [{name: e, values: [[x, [y]]]}]
  override: {condition: append, exceptions: append}
`,
  `- required_engine_version: 0.30.0
- &a {rule: s, desc: d, condition: evt.num = 1, output: o, priority: info, enabled: no}
--- # another
- {rule: t, desc: d, condition: 'cloud.user regex "(a|b)+"', output: o, priority: DEBUG, skip-if-unknown-filter: true}
`,
].map(toBytes)
const ruleParts = toParts(
  '- : {} [] & * | > --- override append replace exceptions values comps fields names writes source syscall condition',
)

/** A rule file is loaded, with its lists, macros, exceptions and changes. */
export const rules: Decoder = {
  seeds: ruleFiles,
  make: (random) => mutate(ruleFiles, ruleParts, random),
  error: RuleError,
  read(input) {
    parseRules('rules.yaml', toText(input))
  },
}
