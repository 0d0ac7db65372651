import { expect, test } from 'vitest'
import { falcoAlerts } from '../../../../enclave/core/falco/alert.ts'
import type { Severity } from '../../../../enclave/core/finding.ts'
import { subject } from './subject.ts'

const settings = { hostname: 'enclave', tags: (rule: string) => (rule === 'tagged' ? ['aws'] : []) }
const matched = (name: string, severity: Severity) => ({ name, severity, message: `${name} by admin` })

test('a finding is one alert for each of its rules', () => {
  const { finding } = subject({ rules: [matched('tagged', 'high'), matched('plain', 'info')] })
  expect(falcoAlerts(finding, settings)).toEqual([
    {
      hostname: 'enclave',
      output: '07:30:00.000000000: Error tagged by admin',
      output_fields: {
        'cloud.account': '111122223333',
        'cloud.operation': 'PutImageTagMutability',
        'cloud.provider': 'aws',
        'cloud.region': 'eu-west-1',
        'cloud.resource': 'my-app-repo',
        'cloud.service': 'ecr',
        'cloud.user': 'admin@example.com',
        'drift.address': 'module.app.aws_ecr_repository.this["api"]',
        'drift.changes.image_tag_mutability': 'IMMUTABLE -> MUTABLE',
        'drift.kind': 'changed',
        'drift.outcome': 'drift',
        'drift.state': 'prod',
        'drift.verdict': 'confirmed',
        'terraform.type': 'aws_ecr_repository',
      },
      priority: 'Error',
      rule: 'tagged',
      source: 'aws_cloudtrail',
      tags: ['aws'],
      time: '2025-12-06T07:30:00.000000000Z',
    },
    expect.objectContaining({ rule: 'plain', priority: 'Informational', tags: [] }),
  ])
})

test.each([
  ['critical', 'Critical'],
  ['high', 'Error'],
  ['medium', 'Warning'],
  ['low', 'Notice'],
  ['info', 'Informational'],
] as const)('%s is %s', (severity, priority) => {
  const { finding } = subject({ rules: [matched('r', severity)] })
  expect(falcoAlerts(finding, settings)[0]?.priority).toBe(priority)
})

test('what Falcosidekick demands is there even of a finding that knows nothing', () => {
  const { finding } = subject({
    resource: null,
    time: '',
    changes: { size: [1, null] },
    verdict: null,
    severity: 'low',
  })
  const [alert, ...others] = falcoAlerts(finding, settings)
  expect(others).toEqual([])
  expect(alert).toMatchObject({ rule: 'driftseal drift', priority: 'Notice', time: '1970-01-01T00:00:00.000000000Z' })
  expect(alert?.output).toContain('on no known resource')
  expect(Object.values(alert?.output_fields ?? {}).every((value) => typeof value === 'string')).toBe(true)
  expect(alert?.output_fields['drift.changes.size']).toBe('1 -> null')
})
