import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import { parseRuleFiles } from '../../../enclave/core/rule_files.ts'
import { record, repository, stateOf, worldOf } from './world.ts'

const FALCO = `- rule: falco_high
  desc: d
  condition: evt.name = PutImageTagMutability
  output: o
  priority: ERROR
`
const native = (id: string, more: string): string => `  - { id: ${id}, name: ${id}, ${more} }\n`
const POLICIES = `rules:
${native('low', 'severity: low, resource_types: [aws_ecr_repository]')}${native(
  'grave',
  'severity: critical, resource_types: [aws_ecr_repository], conditions: [{ attribute: tags.Name, operator: equals, value: my-app-repo }]',
)}${native('other', 'severity: critical, resource_types: [aws_ecr_repository], conditions: [{ attribute: tags.Name, operator: equals, value: x }]')}${native(
  'twice',
  'severity: high, events: [ecr:PutImageTagMutability], threshold: { count: 2, window: 1h }',
)}${native(
  'told',
  'severity: info, events: [ecr:*], remediation: ["{attribute.registry_id} {attribute.tags.Name}"], runbook: "https://wiki.example.com/{id}"',
)}`

const { rules, mistakes } = parseRuleFiles([
  { name: 'falco.yaml', text: FALCO },
  { name: 'policies.yaml', text: POLICIES },
])

const put = (value: string) =>
  parseRecord(record('PutImageTagMutability', { repositoryName: 'my-app-repo', imageTagMutability: value }))

test('rules of both languages see the state, and the gravest comes first', () => {
  expect(mistakes).toEqual([])
  const world = worldOf([stateOf(repository)], { rules })
  const [finding] = detect(put('MUTABLE'), world, 0).findings
  expect(finding?.severity).toBe('critical')
  expect(finding?.rules.map(({ id, name }) => id ?? name)).toEqual(['grave', 'falco_high', 'low', 'told'])
  expect(finding?.rules.at(-1)).toEqual({
    id: 'told',
    name: 'told',
    severity: 'info',
    message: 'told (resource=aws_ecr_repository.app user=admin@example.com)',
    remediation: ['111122223333 my-app-repo'],
    runbook: 'https://wiki.example.com/my-app-repo',
  })
  expect(finding?.counted).toEqual([{ rule: 'twice', per: 'account' }])
})

test('a threshold is reached by what was stored, and a repeat of one event is not counted', () => {
  const world = worldOf([stateOf(repository)], { rules })
  const first = put('MUTABLE')
  const one = detect(first, world, 0).findings
  for (const finding of one) world.drifts.record(finding)
  expect(detect(first, world, 0).findings[0]?.counted).toBeUndefined()
  const [second] = detect(put('MUTABLE_WITH_EXCLUSION'), world, 0).findings
  expect(second?.rules.map(({ id }) => id)).toContain('twice')
})

test('a sensitive value gets into no template, and equals nothing', () => {
  const world = worldOf([stateOf(repository, { sensitive: ['tags'] })], { rules })
  const [finding] = detect(put('MUTABLE'), world, 0).findings
  expect(finding?.rules.map(({ id }) => id)).not.toContain('grave')
  expect(JSON.stringify(finding?.rules.find(({ id }) => id === 'told'))).toContain('111122223333 <attribute.tags.Name>')
})
