import type { Policy, Statement } from './iam/policy.ts'
import type { Fields } from './rendering.ts'

/** One rule of Checkov's catalogue, in our words and over our plan. */
export interface Check {
  readonly id: string
  readonly says: string
  readonly type: string
  /** `beside`: the resource of another type with the same name and key, empty where there is none. */
  readonly holds: (fields: Fields, beside: (type: string) => Fields) => boolean
  /** Addresses that it does not hold for, and why that is right. */
  readonly except?: Readonly<Record<string, string>>
}

/** What is in a block that Terraform plans as a list of one. */
const at = (fields: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => {
    const one: unknown = Array.isArray(value) ? value[0] : value
    return typeof one === 'object' && one !== null ? (one as Fields)[key] : undefined
  }, fields)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const isOurKey = (value: unknown): boolean => typeof value === 'string' && /:key\/(data|ebs|eks_secrets)$/.test(value)
const statements = (fields: Fields): readonly Statement[] => {
  const { Statement: some } = (fields['policy'] ?? { Statement: [] }) as Policy // a policy, by the resource's type
  return 'Effect' in some ? [some] : some
}
/** An Allow for everybody that no condition narrows. */
const isPublic = (fields: Fields): boolean =>
  statements(fields).some(
    ({ Effect, Principal, Condition }) =>
      Effect === 'Allow' && Condition === undefined && (Principal === '*' || Principal?.AWS === '*'),
  )
const isTlsOnly = (fields: Fields): boolean =>
  statements(fields).some(
    ({ Effect, Condition }) => Effect === 'Deny' && Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
  )

const OWN_LOGS = 'aws_s3_bucket.this["logs"]'

export const CHECKS: readonly Check[] = [
  {
    id: 'CKV_AWS_7',
    says: 'keys rotate',
    type: 'aws_kms_key',
    holds: (key) => key['enable_key_rotation'] === true,
    except: { 'aws_kms_key.signing': 'KMS rotates no asymmetric key; a new one is a new target of its alias' },
  },
  {
    id: 'CKV_AWS_33',
    says: 'no key is for everybody',
    type: 'aws_kms_key',
    holds: (key) => !isPublic(key),
  },
  {
    id: 'CKV2_AWS_64',
    says: 'every key has a policy of its own',
    type: 'aws_kms_key',
    holds: (key) => statements(key).length > 0,
  },
  {
    id: 'CKV_AWS_21',
    says: 'buckets keep versions',
    type: 'aws_s3_bucket',
    holds: (_, beside) => at(beside('aws_s3_bucket_versioning'), 'versioning_configuration', 'status') === 'Enabled',
  },
  ...[
    ['CKV_AWS_53', 'block_public_acls'],
    ['CKV_AWS_54', 'block_public_policy'],
    ['CKV_AWS_55', 'ignore_public_acls'],
    ['CKV_AWS_56', 'restrict_public_buckets'],
  ].map(([id = '', attribute = '']) => ({
    id,
    says: `buckets: ${attribute}`,
    type: 'aws_s3_bucket',
    holds: (_: Fields, beside: (type: string) => Fields) =>
      beside('aws_s3_bucket_public_access_block')[attribute] === true,
  })),
  {
    id: 'CKV_AWS_145',
    says: 'buckets are encrypted under a key of ours',
    type: 'aws_s3_bucket',
    holds: (_, beside) => {
      const rule = at(beside('aws_s3_bucket_server_side_encryption_configuration'), 'rule')
      return isOurKey(at(rule, 'apply_server_side_encryption_by_default', 'kms_master_key_id'))
    },
    except: { [OWN_LOGS]: 'S3 delivers access logs to buckets under its own key only; the trail brings its key along' },
  },
  {
    id: 'CKV_AWS_18',
    says: 'access to buckets is logged',
    type: 'aws_s3_bucket',
    holds: (_, beside) => beside('aws_s3_bucket_logging')['target_prefix'] !== undefined,
    except: { [OWN_LOGS]: 'it is where they are logged to: each log would be logged' },
  },
  {
    id: 'CKV2_AWS_61',
    says: 'buckets have a lifecycle',
    type: 'aws_s3_bucket',
    holds: (_, beside) => list(beside('aws_s3_bucket_lifecycle_configuration')['rule']).length > 0,
    except: {
      'aws_s3_bucket.this["ledger"]': 'entries are evidence: Object Lock says how long, and a person after that',
    },
  },
  {
    id: 'CKV_AWS_300',
    says: 'unfinished uploads are given up',
    type: 'aws_s3_bucket_lifecycle_configuration',
    holds: ({ rule }) => list(rule).some((one) => at(one, 'abort_incomplete_multipart_upload') !== undefined),
  },
  {
    id: 'CKV_AWS_144',
    says: 'buckets are replicated to another region',
    type: 'aws_s3_bucket',
    holds: (_, beside) => beside('aws_s3_bucket_replication_configuration')['rule'] !== undefined,
    except: {
      [OWN_LOGS]: 'logs may be lost with their region',
      'aws_s3_bucket.this["ledger"]': 'a second copy is in the parent’s store; a region is left by moving the detector',
      'aws_s3_bucket.this["artifacts"]': 'reports are made again by running the pipeline',
    },
  },
  {
    id: 'CKV2_AWS_62',
    says: 'buckets notify of what happens in them',
    type: 'aws_s3_bucket',
    holds: (_, beside) => beside('aws_s3_bucket_notification')['eventbridge'] === true,
    except: Object.fromEntries(
      ['ledger', 'artifacts', 'logs'].map((name) => [
        `aws_s3_bucket.this["${name}"]`,
        'nobody waits for it; changes of its configuration are watched through CloudTrail',
      ]),
    ),
  },
  {
    id: 'CKV_AWS_379',
    says: 'buckets are reached by TLS only',
    type: 'aws_s3_bucket_policy',
    holds: isTlsOnly,
  },
  {
    id: 'CKV_AWS_27',
    says: 'queues are encrypted',
    type: 'aws_sqs_queue',
    holds: (queue) => isOurKey(queue['kms_master_key_id']),
  },
  {
    id: 'CKV_AWS_387',
    says: 'no queue is for everybody',
    type: 'aws_sqs_queue_policy',
    holds: (queue) => !isPublic(queue),
  },
  {
    id: 'CKV_AWS_26',
    says: 'topics are encrypted',
    type: 'aws_sns_topic',
    holds: (topic) => isOurKey(topic['kms_master_key_id']),
  },
  {
    id: 'CKV_AWS_149',
    says: 'secrets are encrypted under a key of ours',
    type: 'aws_secretsmanager_secret',
    holds: (secret) => isOurKey(secret['kms_key_id']),
  },
  {
    id: 'CKV_AWS_304',
    says: 'secrets rotate within 90 days',
    type: 'aws_secretsmanager_secret',
    holds: (_, beside) => beside('aws_secretsmanager_secret_rotation')['rotation_rules'] !== undefined,
    except: {
      'aws_secretsmanager_secret.this["dek"]':
        'does, once rotation_package names a built function: infra/tests/rotation.tftest.hcl',
      'aws_secretsmanager_secret.this["identity"]': 'a new CA needs a new trust anchor, so a person starts it',
      'aws_secretsmanager_secret.promotion_token': 'a token of the repository’s host, which is where it expires',
    },
  },
  {
    id: 'CKV_AWS_51',
    says: 'tags of images do not move',
    type: 'aws_ecr_repository',
    holds: (repository) => repository['image_tag_mutability'] === 'IMMUTABLE',
  },
  {
    id: 'CKV_AWS_136',
    says: 'images are encrypted under a key of ours',
    type: 'aws_ecr_repository',
    holds: (repository) => isOurKey(at(repository, 'encryption_configuration', 'kms_key')),
  },
  {
    id: 'CKV_AWS_163',
    says: 'images are scanned when pushed',
    type: 'aws_ecr_repository',
    holds: (repository) => at(repository, 'image_scanning_configuration', 'scan_on_push') === true,
  },
  {
    id: 'CKV_AWS_37',
    says: 'the control plane logs all that it can',
    type: 'aws_eks_cluster',
    holds: (cluster) => list(cluster['enabled_cluster_log_types']).length === 5,
  },
  {
    id: 'CKV_AWS_38',
    says: 'the cluster’s public endpoint is not for everybody',
    type: 'aws_eks_cluster',
    holds: (cluster) =>
      !list(at(cluster, 'vpc_config', 'public_access_cidrs')).some((range) => String(range).endsWith('/0')),
  },
  {
    id: 'CKV_AWS_39',
    says: 'the cluster has no public endpoint',
    type: 'aws_eks_cluster',
    holds: (cluster) => at(cluster, 'vpc_config', 'endpoint_public_access') === false,
    except: { 'aws_eks_cluster.this': 'there is none by default; this example opens one for one office' },
  },
  {
    id: 'CKV_AWS_58',
    says: 'Kubernetes Secrets are encrypted under a key of ours',
    type: 'aws_eks_cluster',
    holds: (cluster) => isOurKey(at(cluster, 'encryption_config', 'provider', 'key_arn')),
  },
  {
    id: 'CKV_AWS_339',
    says: 'the cluster’s version is supported',
    type: 'aws_eks_cluster',
    holds: (cluster) => Number(String(cluster['version']).split('.')[1]) >= 34,
  },
  {
    id: 'CKV_AWS_100',
    says: 'nobody signs in to nodes by SSH',
    type: 'aws_eks_node_group',
    holds: (nodes) => nodes['remote_access'] === undefined,
  },
  {
    id: 'CKV_AWS_79',
    says: 'instance metadata by session tokens only',
    type: 'aws_launch_template',
    holds: (template) => at(template, 'metadata_options', 'http_tokens') === 'required',
  },
  {
    id: 'CKV_AWS_341',
    says: 'instance metadata ends at the host',
    type: 'aws_launch_template',
    holds: (template) => at(template, 'metadata_options', 'http_put_response_hop_limit') === 1,
  },
  {
    id: 'CKV_AWS_147',
    says: 'builds are encrypted under a key of ours',
    type: 'aws_codebuild_project',
    holds: (project) => isOurKey(project['encryption_key']),
  },
  {
    id: 'CKV_AWS_314',
    says: 'builds log',
    type: 'aws_codebuild_project',
    holds: (project) => at(project, 'logs_config', 'cloudwatch_logs', 'group_name') !== undefined,
  },
  {
    id: 'CKV_AWS_316',
    says: 'builds are not privileged',
    type: 'aws_codebuild_project',
    holds: (project) => at(project, 'environment', 'privileged_mode') === false,
    except: Object.fromEntries(
      ['build', 'rebuild'].map((name) => [
        `aws_codebuild_project.this["${name}"]`,
        'makes images with a Docker daemon of its own, on a machine of its own that ends with the build',
      ]),
    ),
  },
  {
    id: 'CKV_AWS_219',
    says: 'artifacts of the pipeline are encrypted under a key of ours',
    type: 'aws_codepipeline',
    holds: (pipeline) => isOurKey(at(pipeline, 'artifact_store', 'encryption_key', 'id')),
  },
  {
    id: 'CKV_AWS_158',
    says: 'logs are encrypted under a key of ours',
    type: 'aws_cloudwatch_log_group',
    holds: (group) => isOurKey(group['kms_key_id']),
  },
  {
    id: 'CKV_AWS_338',
    says: 'logs are kept for a year',
    type: 'aws_cloudwatch_log_group',
    holds: (group) => Number(group['retention_in_days']) >= 365,
  },
  {
    id: 'CKV_AWS_35',
    says: 'the trail is encrypted under a key of ours',
    type: 'aws_cloudtrail',
    holds: (trail) => isOurKey(trail['kms_key_id']),
  },
  {
    id: 'CKV_AWS_36',
    says: 'the trail’s files can be checked',
    type: 'aws_cloudtrail',
    holds: (trail) => trail['enable_log_file_validation'] === true,
  },
  {
    id: 'CKV_AWS_67',
    says: 'the trail covers all regions',
    type: 'aws_cloudtrail',
    holds: (trail) => trail['is_multi_region_trail'] === true,
  },
  {
    id: 'CKV2_AWS_11',
    says: 'the VPC has flow logs',
    type: 'aws_vpc',
    holds: (_, beside) => beside('aws_flow_log')['traffic_type'] === 'ALL',
  },
  {
    id: 'CKV_AWS_130',
    says: 'no subnet gives out public addresses',
    type: 'aws_subnet',
    holds: (subnet) => subnet['map_public_ip_on_launch'] === false,
  },
  {
    id: 'CKV_AWS_189',
    says: 'volumes are encrypted under a key of ours',
    type: 'aws_launch_template',
    holds: (template) => isOurKey(at(template, 'block_device_mappings', 'ebs', 'kms_key_id')),
  },
]
