import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import { parseRules } from './falco/parse_rules.ts'
import type { Actor } from '../../../enclave/core/event.ts'
import type { Finding, OutcomeName } from '../../../enclave/core/finding.ts'
import { toDriftLog } from '../../../enclave/core/render.ts'
import { ecr, repository, stateOf, worldOf } from './world.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const page = read('docs/findings.md')
const blocks = Array.from(page.matchAll(/```json\n(.*?)```/gs), ([, text]) => JSON.parse(text ?? '') as unknown)

const { rules } = parseRules('ecr.yaml', read('rules/falco/ecr.yaml'))
const example = ecr.examples.find(({ name }) => name === 'tags of images may be moved')
const { findings } = detect(parseRecord(example?.record ?? {}), worldOf([stateOf(repository)], { rules }), 0)
const [finding] = findings

test("the page's example is what the code says", () => {
  expect(blocks[0]).toEqual(finding)
  expect(Object.keys(blocks[0] as Finding)).toEqual(Object.keys(finding ?? {}))
})

test("the page's drift log line is what the code says", () => {
  expect(JSON.stringify(blocks[1])).toBe(finding === undefined ? '' : toDriftLog(finding))
})

const FIELDS = {
  version: 1,
  outcome: 1,
  kind: 1,
  verdict: 1,
  cloud: 1,
  account: 1,
  region: 1,
  service: 1,
  source: 1,
  event: 1,
  eventId: 1,
  time: 1,
  resource: 1,
  changes: 1,
  delta: 1,
  suspected: 1,
  actor: 1,
  severity: 1,
  rules: 1,
  counted: 1,
  reason: 1,
  resolves: 1,
  supersedes: 1,
  withheld: 1,
  flapping: 1,
  dependents: 1,
  import: 1,
  sharedEventId: 1,
} satisfies Record<keyof Finding, 1>
const OUTCOMES = {
  drift: 1,
  resolved: 1,
  unmanaged: 1,
  unmapped: 1,
  expected: 1,
  suppressed: 1,
  ignored: 1,
  rejected: 1,
  tamper: 1,
} satisfies Record<OutcomeName, 1>
const ACTOR = {
  type: 1,
  name: 1,
  console: 1,
  arn: 1,
  account: 1,
  role: 1,
  session: 1,
  sourceIdentity: 1,
  mfa: 1,
  invokedBy: 1,
  sourceIp: 1,
  userAgent: 1,
  permissionSet: 1,
  identityProvider: 1,
  subject: 1,
  accessKey: 1,
  assumedBy: 1,
} satisfies Record<keyof Actor, 1>

const rows = Array.from(page.matchAll(/^\| `(\w+)`/gm), ([, name]) => name)
test('the tables have every field and every outcome, and no other', () => {
  expect(rows).toEqual([...Object.keys(FIELDS), ...Object.keys(OUTCOMES)])
})

test.each(Object.keys(ACTOR))('the page speaks of the actor’s %s', (field) => {
  expect(page).toContain(`\`${field}\``)
})
