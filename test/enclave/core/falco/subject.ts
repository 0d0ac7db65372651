import type { Finding } from '../../../../enclave/core/finding.ts'
import type { Json } from '../../../../enclave/core/json.ts'
import type { Subject } from '../../../../enclave/core/rule.ts'

/** A drift of one ECR repository, with what a test wants different. */
export function subject(finding: Partial<Finding> = {}, record: Json = {}): Subject {
  const event = finding.event ?? 'PutImageTagMutability'
  const actor = { type: 'IAMUser', name: 'admin@example.com', console: true, sourceIp: '192.0.2.7' }
  const common = { cloud: 'aws', account: '111122223333', region: 'eu-west-1', time: '2025-12-06T07:30:00Z' } as const
  return {
    event: {
      ...common,
      id: 'e-1',
      source: 'ecr.amazonaws.com',
      name: event,
      type: 'AwsApiCall',
      readOnly: false,
      actor,
      request: {},
      response: {},
      record,
    },
    finding: {
      ...common,
      version: 1,
      outcome: 'drift',
      kind: 'changed',
      verdict: 'confirmed',
      service: 'ecr',
      source: 'ecr.amazonaws.com',
      event,
      eventId: 'e-1',
      resource: {
        type: 'aws_ecr_repository',
        id: 'my-app-repo',
        address: 'module.app.aws_ecr_repository.this["api"]',
        state: 'prod',
      },
      changes: { image_tag_mutability: ['IMMUTABLE', 'MUTABLE'] },
      delta: {},
      actor,
      severity: 'medium',
      rules: [],
      reason: 'the request sets another value than the state has',
      ...finding,
    },
  }
}
