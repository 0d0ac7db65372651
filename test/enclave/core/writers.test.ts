import * as fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { parseWriters, WriterError, writerOf, type Writer } from '../../../enclave/core/writers.ts'
import { isClean } from './thrown.ts'
import { byTerraform, record, repository, stateOf, worldOf } from './world.ts'

const folder = new URL('../../../rules/writers/', import.meta.url)
const measured = readdirSync(folder).flatMap((name) => parseWriters(readFileSync(new URL(name, folder), 'utf8'), name))

const asService = (service: string): JsonObject => ({
  userIdentity: { type: 'AWSService', invokedBy: service },
  sourceIPAddress: service,
  userAgent: service,
})
/** A service that uses the role which only it can assume. */
const linked = (service: string, name: string): JsonObject => ({
  userIdentity: {
    type: 'AssumedRole',
    arn: `arn:aws:sts::111122223333:assumed-role/${name}/session`,
    sessionContext: {
      sessionIssuer: { arn: `arn:aws:iam::111122223333:role/aws-service-role/${service}/${name}`, userName: name },
    },
  },
})
/** A service that goes on with the rights of whoever called it. */
const forUser = (service: string): JsonObject => ({
  userIdentity: { type: 'IAMUser', userName: 'admin', arn: 'arn:aws:iam::111122223333:user/admin', invokedBy: service },
  sourceIPAddress: service,
})
const asRole = (name: string): JsonObject => ({
  userIdentity: {
    type: 'AssumedRole',
    arn: `arn:aws:sts::111122223333:assumed-role/${name}/1`,
    sessionContext: { sessionIssuer: { arn: `arn:aws:iam::111122223333:role/${name}` } },
  },
})

describe('of the measured writers', () => {
  const scaling = linked('autoscaling.amazonaws.com', 'AWSServiceRoleForAutoScaling')
  test.each<[JsonObject, string, string | null, string | undefined]>([
    [asService('autoscaling.amazonaws.com'), 'aws_autoscaling_group', 'desired_capacity', 'auto-scaling'],
    [scaling, 'aws_autoscaling_group', 'desired_capacity', 'auto-scaling'],
    [scaling, 'aws_autoscaling_group', 'max_size', undefined],
    [scaling, 'aws_iam_role', 'assume_role_policy', undefined],
    [scaling, 'aws_instance', null, 'auto-scaling'],
    [scaling, 'aws_s3_bucket', null, undefined],
    [
      asService('ecs.application-autoscaling.amazonaws.com'),
      'aws_ecs_service',
      'desired_count',
      'application-auto-scaling',
    ],
    [asService('ecs.application-autoscaling.amazonaws.com'), 'aws_ecs_service', 'task_definition', undefined],
    [asService('codedeploy.amazonaws.com'), 'aws_ecs_service', 'task_definition', 'code-deploy'],
    [asService('codedeploy.amazonaws.com'), 'aws_ecs_service', 'network_configuration', undefined],
    [asService('rds.amazonaws.com'), 'aws_db_snapshot', null, 'rds'],
    [asService('rds.amazonaws.com'), 'aws_db_instance', 'engine_version', 'rds'],
    [asService('rds.amazonaws.com'), 'aws_db_instance', 'publicly_accessible', undefined],
    [asService('eks.amazonaws.com'), 'aws_subnet', 'tags["kubernetes.io/cluster/a"]', 'eks'],
    [asService('eks.amazonaws.com'), 'aws_subnet', 'tags.Name', undefined],
    [forUser('cloudformation.amazonaws.com'), 'aws_sqs_queue', null, 'cloudformation'],
    [forUser('cloudformation.amazonaws.com'), 'aws_sqs_queue', 'policy', undefined],
    [forUser('signin.amazonaws.com'), 'aws_kms_grant', null, undefined],
    [forUser('dynamodb.amazonaws.com'), 'aws_kms_grant', null, 'service-linked-roles'],
    [asRole('KarpenterController-1'), 'aws_instance', null, 'karpenter'],
    [asRole('KarpenterController-1'), 'aws_iam_user', null, undefined],
    [asRole('AmazonEKS_EBS_CSI_DriverRole'), 'aws_volume_attachment', null, 'ebs-csi-driver'],
    [asRole('eksctl-main-addon-aws-ebs-csi-driver-Role1-A1'), 'aws_ebs_volume', null, 'ebs-csi-driver'],
    [asRole('AmazonEKS_EBS_CSI_DriverRole'), 'aws_ebs_snapshot', null, undefined],
    [asRole('AmazonEKS_EBS_CSI_DriverRole'), 'aws_volume_attachment', 'instance_id', undefined],
    [asRole('my-cluster-autoscaler'), 'aws_autoscaling_group', 'desired_capacity', 'cluster-autoscaler'],
    [asRole('admin'), 'aws_autoscaling_group', 'desired_capacity', undefined],
    [
      { ...asRole('admin'), userAgent: 'autoscaling.amazonaws.com' },
      'aws_autoscaling_group',
      'desired_capacity',
      undefined,
    ],
    [{ ...asRole('admin'), sourceIPAddress: '203.0.113.7' }, 'aws_instance', null, undefined],
  ])('%j on %s %s: %s', (over, type, path, name) => {
    expect(writerOf(parseRecord(record('X', {}, over)), type, path, measured)?.name).toBe(name)
  })

  test('names are not used twice', () => {
    expect(new Set(measured.map(({ name }) => name)).size).toBe(measured.length)
  })
})

describe('a writer', () => {
  const arn = 'arn:aws:ecr:eu-west-1:111122223333:repository/my-app-repo'
  const writers: readonly Writer[] = [
    {
      name: 'tagger',
      reason: 'tags by cost centre',
      services: ['config.amazonaws.com'],
      principals: ['*:role/tagger'],
      writes: { aws_ecr_repository: ['tags.Cost*'] },
      makes: ['aws_ecr_repository'],
    },
  ]
  const tag = (tags: Readonly<Record<string, string>>, over: JsonObject) =>
    record(
      'TagResource',
      { resourceArn: arn, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) },
      over,
    )
  const play = (...records: readonly JsonObject[]): readonly Finding[] => {
    const world = worldOf([stateOf(repository)], { writers })
    return records.flatMap((one) => {
      const decision = detect(parseRecord(one), world, 0)
      world.drifts.touch(decision.touched)
      for (const finding of decision.findings) world.drifts.record(finding)
      return decision.findings
    })
  }
  const own = asRole('tagger')

  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['is expected where it may write', [tag({ CostCentre: '7' }, own)], ['expected']],
    ['is drift where it may not', [tag({ Name: 'x' }, own)], ['drift']],
    ['is drift for the part that it may not', [tag({ CostCentre: '7', Name: 'x' }, own)], ['drift']],
    ['is nobody else', [tag({ CostCentre: '7' }, asRole('other'))], ['drift']],
    ['is a service by its principal', [tag({ CostCentre: '7' }, asService('config.amazonaws.com'))], ['expected']],
    ['is no Terraform', [tag({ CostCentre: '7' }, byTerraform('tagger'))], ['drift']],
    ['makes what no state has', [record('CreateRepository', { repositoryName: 'y' }, own)], ['expected']],
    ['deletes what no state has', [record('DeleteRepository', { repositoryName: 'y' }, own)], ['expected']],
    ['deletes nothing of Terraform', [record('DeleteRepository', { repositoryName: 'my-app-repo' }, own)], ['drift']],
    [
      'ends a drift of what is its own',
      [tag({ CostCentre: '9' }, asRole('other')), tag({ CostCentre: '7' }, own)],
      ['drift', 'resolved'],
    ],
  ])('%s', (_, records, outcomes) => {
    expect(play(...records).map(({ outcome }) => outcome)).toEqual(outcomes)
  })

  test('has what it wrote beside what it may not', () => {
    const [finding] = play(tag({ CostCentre: '7', Name: 'x' }, own))
    expect(finding?.changes).toEqual({ 'tags.Name': ['my-app-repo', 'x'] })
    expect(finding?.withheld).toEqual([
      { path: 'tags.CostCentre', change: [null, '7'], by: 'writer', name: 'tagger', reason: 'tags by cost centre' },
    ])
  })
})

const one = { name: 'a', reason: 'b', services: ['c'], makes: ['d'] }
test.each<[string, string]>([
  ['writers: [', 'ERR_WRITERS_YAML'],
  ['writers: *a', 'ERR_WRITERS_YAML'],
  ['', 'ERR_WRITERS_SHAPE'],
  [JSON.stringify({ writers: [{ ...one, other: 1 }] }), 'ERR_WRITERS_SHAPE'],
  [JSON.stringify({ writers: [{ ...one, services: [] }] }), 'ERR_WRITERS_SHAPE'],
  [JSON.stringify({ writers: [{ ...one, makes: [] }] }), 'ERR_WRITERS_SHAPE'],
  [JSON.stringify({ writers: [{ ...one, reason: '' }] }), 'ERR_WRITERS_SHAPE'],
  [JSON.stringify({ writers: [{ ...one, writes: { x: [] } }] }), 'ERR_WRITERS_SHAPE'],
])('%s is refused: %s', (text, code) => {
  expect(() => parseWriters(text, 'w.yaml')).toThrow(
    expect.objectContaining({
      name: 'WriterError',
      code,
      message: expect.stringContaining('w.yaml') as string,
    }) as Error,
  )
})

test('whatever a file holds, nothing but a WriterError is thrown', () => {
  const text = fc.oneof(
    fc.string(),
    fc.jsonValue().map((value: unknown) => JSON.stringify({ writers: value as Json })),
  )
  fc.assert(
    fc.property(text, (source) => {
      expect(isClean(() => parseWriters(source, 'w.yaml'), WriterError)).toBe(true)
    }),
    { numRuns: 200 },
  )
})
