import { expect, test } from 'vitest'
import { draft } from '../../../../enclave/core/draft.ts'
import { parseRecord } from '../../../../enclave/core/cloudtrail.ts'
import { loadRuleFiles } from '../../../../enclave/core/falco/rules.ts'
import type { Json } from '../../../../enclave/core/json.ts'

/** The Falco rules of the architecture page, as they stand there. */
const PAGE = `
- rule: Terraform State File Accessed
  desc: Detect access to Terraform state files
  condition: >
    evt.type in (open, openat) and
    fd.name glob "*.tfstate*" and
    not proc.name in (terraform, tfdrift)
  output: >
    Unauthorized access to Terraform state file
    (user=%user.name file=%fd.name process=%proc.name)
  priority: WARNING
  tags: [terraform, drift, state]
- rule: AWS API Call Without Terraform
  desc: Detect AWS API calls not made by Terraform
  condition: >
    cloud.provider="aws" and
    cloud.operation in (ModifyInstanceAttribute, PutBucketPolicy) and
    not user.name startswith "terraform-"
  output: >
    AWS API call outside Terraform workflow
    (user=%cloud.user operation=%cloud.operation resource=%cloud.resource)
  priority: NOTICE
  tags: [aws, terraform, drift]
- rule: GCP Resource Modification Without Terraform
  desc: Detect GCP Audit Log events not made by Terraform (v0.5.0+)
  condition: >
    gcp.methodName in (compute.instances.setMetadata, compute.firewalls.update, storage.buckets.update) and
    not gcp.authenticationInfo.principalEmail contains "terraform"
  output: >
    GCP resource modified outside Terraform workflow
    (user=%gcp.authenticationInfo.principalEmail method=%gcp.methodName resource=%gcp.resource.name)
  priority: NOTICE
  tags: [gcp, terraform, drift]
`
const { rules, mistakes, warnings } = loadRuleFiles([{ name: 'page.yaml', text: PAGE }])

test('all load, and the one about system calls is left out', () => {
  expect(mistakes).toEqual([])
  expect(warnings.map(({ problem }) => problem)).toEqual(['Unknown source syscall, skipping'])
  expect(rules).toHaveLength(2)
})

const aws = (eventName: string, userName: string): Json => ({
  eventSource: 's3.amazonaws.com',
  eventName,
  userIdentity: { type: 'IAMUser', userName },
})
const gcp = (principalEmail: string): Json => ({
  protoPayload: {
    serviceName: 'storage.googleapis.com',
    methodName: 'storage.buckets.update',
    resourceName: 'projects/_/buckets/site',
    authenticationInfo: { principalEmail },
  },
})

test.each<[Json, readonly string[]]>([
  [
    aws('PutBucketPolicy', 'admin'),
    ['AWS API call outside Terraform workflow (user=admin operation=PutBucketPolicy resource=<NA>)'],
  ],
  [aws('PutBucketPolicy', 'terraform-ci'), []],
  [aws('PutBucketTagging', 'admin'), []],
  [
    gcp('admin@example.com'),
    [
      'GCP resource modified outside Terraform workflow (user=admin@example.com method=storage.buckets.update resource=projects/_/buckets/site)',
    ],
  ],
  [gcp('terraform@example.iam.gserviceaccount.com'), []],
])('they say of %j what they should', (record, said) => {
  const event = parseRecord(record)
  const subject = { event, finding: draft(event, 'unmapped', 'not checked') }
  const matching = rules.filter((rule) => rule.matches(subject))
  expect(matching.map((rule) => rule.message(subject).trim())).toEqual(said)
})
