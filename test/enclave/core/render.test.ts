import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import { rejected } from '../../../enclave/core/draft.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { toDriftLog, toJson, toPerson } from '../../../enclave/core/render.ts'
import { ecr, record, repository, ruleOf, stateOf, worldOf } from './world.ts'

const rules = [ruleOf('r', 'high', { message: () => 'said the rule' })]
function find(one: JsonObject): Finding {
  const [finding] = detect(parseRecord(one), worldOf([stateOf(repository)], { rules }), 0).findings
  if (finding === undefined) throw new Error('no finding')
  return finding
}
const mutable = record('PutImageTagMutability', { repositoryName: 'my-app-repo', imageTagMutability: 'MUTABLE' })

test('a drift log line has the six fields of the ECR coverage page', () => {
  expect(toDriftLog(find(mutable))).toBe(
    '{"service":"ecr","event":"PutImageTagMutability","resource":"my-app-repo",' +
      '"changes":{"image_tag_mutability":["IMMUTABLE","MUTABLE"]},' +
      '"user":"admin@example.com","timestamp":"2025-12-06T07:30:00Z"}',
  )
})

test('a person reads who changed what, from which value to which, where and when', () => {
  expect(toPerson(find(mutable), { colour: false }).split('\n')).toEqual([
    'DRIFT  high  aws_ecr_repository.app  changed  in example',
    '  image_tag_mutability: "IMMUTABLE" -> "MUTABLE"',
    '  rule r: said the rule',
    '  PutImageTagMutability by admin@example.com (role Admin, console, from 203.0.113.12), 2025-12-06 07:30:00 UTC',
    '  the new value is not the one in the state',
  ])
})

const example = (name: string): JsonObject => ecr.examples.find((one) => one.name === name)?.record ?? {}
test.each<[string, JsonObject, readonly string[]]>([
  [
    'the statements that came and went',
    example('everybody may pull'),
    [
      '  policy:',
      '    - {"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Sid":"Pull"}',
      '    + {"Action":"ecr:BatchGetImage","Effect":"Allow","Principal":"*","Sid":"Pull"}',
    ],
  ],
  ['a value that nobody saw', example('CloudTrail left the parameters out'), ['(not shown)']],
  ['the blocks that came', example('images go to a registry outside'), ['    + {"destination":[{"region":"us-east-1"']],
  ['a resource that no state has', example('a repository that no state knows'), ['aws_ecr_repository side-project']],
])('a person reads %s', (_, one, parts) => {
  const text = toPerson(find(one), { colour: false })
  for (const part of parts) expect(text).toContain(part)
})

test('beside a value that nobody saw, one that is gone is gone', () => {
  const changes = { lifecycle: ['x', null], policy: ['y', null] } as const
  const text = toPerson({ ...find(mutable), changes, delta: {}, suspected: ['policy'] }, { colour: false })
  expect(text).toContain('lifecycle: "x" -> (none)')
  expect(text).toContain('policy: "y" -> (not shown)')
})

test("nobody's name moves the cursor or hides a line", () => {
  const evil = '\u001B[2K\r\n\u202Eadmin\u0007'
  const one = {
    ...mutable,
    eventName: `Put${evil}`,
    userIdentity: { type: 'IAMUser', userName: evil },
    eventSource: evil,
  }
  const text = toPerson(find(one), { colour: false })
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(text.split('\n')).toHaveLength(4)
})

test('colour changes nothing but the colour', () => {
  const painted = toPerson(find(mutable), { colour: true })
  expect(painted).toContain('\u001B[')
  expect(painted.replaceAll(/\p{Cc}\[\d+m/gu, '')).toBe(toPerson(find(mutable), { colour: false }))
})

test('JSON is one line', () => {
  const finding = find(mutable)
  expect(toJson(finding)).not.toContain('\n')
  expect(JSON.parse(toJson(finding))).toEqual(finding)
  expect(toPerson(rejected('ERR_EVENT_JSON: not JSON'), { colour: false })).toContain('REJECTED')
})
