import type { Context } from './iam/conditions.ts'
import type { Decision } from './iam/evaluate.ts'
import type { Policy } from './iam/policy.ts'
import type { Rendering } from './rendering.ts'

export interface Who {
  readonly principal: string
  /** Policies that somebody attached besides what Terraform did. */
  readonly attached?: readonly Policy[]
}
export interface What {
  readonly arn: string
  /** Where the resource's own policy is in the plan. */
  readonly policy?: string
  readonly isDecisive?: boolean
}
export interface Case {
  readonly who: Who
  readonly action: string
  readonly what: What
  readonly context?: Context
  readonly run?: keyof Rendering
  /** The address of the VPC endpoint on the way. */
  readonly through?: string
  readonly decision: Decision
}

const ACCOUNT = '111122223333'
const REGION = 'eu-west-1'
const NAME = 'driftseal-production'

const ALLOW_ALL: Policy = { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }
const role = (name: string, account = ACCOUNT) => `arn:aws:iam::${account}:role/${name}`
const own = (part: string): Who => ({ principal: role(`${NAME}-${part}`) })
/** The same role after somebody attached AdministratorAccess to it. */
const armed = (who: Who): Who => ({ ...who, attached: [ALLOW_ALL] })
const person = (name: string): Who => armed({ principal: role(name) })

const bootstrap = own('bootstrap')
const enclave = own('enclave')
const node = own('node')
const build = own('build')
const promote = own('promote')
const rollout = own('rollout')
const provisioner = own('provisioner')
const approver = own('approver')
const administrator = person('administrator')
const keyAdmin = person('platform-admin')
const alerting = person('alerting-admin')
const rootUser: Who = { principal: `arn:aws:iam::${ACCOUNT}:root` }
const eventBridge: Who = { principal: 'events.amazonaws.com' }
const rolesAnywhere: Who = { principal: 'rolesanywhere.amazonaws.com' }
const foreigner = armed({ principal: role('thief', '999988887777') })

const key = (name: string): What => ({
  arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${name}`,
  policy: `aws_kms_key.${name}`,
  isDecisive: true,
})
const dek = key('enclave_dek')
const data = key('data')
const signing = key('signing')
const bucket = (name: string, path = '') => ({
  arn: `arn:aws:s3:::${NAME}-${name}-${ACCOUNT}${path}`,
  policy: `aws_s3_bucket_policy.this["${name}"]`,
})
const entry = bucket('ledger', '/0000000001')
const report = bucket('artifacts', '/builds/1f/2e/build-summary.json')
const state: What = { arn: 'arn:aws:s3:::terraform-states/registry/terraform.tfstate' }
const managedState: What = {
  arn: 'arn:aws:s3:::shop-terraform-states/eu/terraform.tfstate',
  policy: 'aws_s3_bucket_policy.state["shop-terraform-states"]',
}
const queue = (name: string): What => ({
  arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${NAME}-${name.replace('_', '-')}`,
  policy: `aws_sqs_queue_policy.this["${name}"]`,
})
const events = queue('events')
const secret = (name: string): What => ({
  arn: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${NAME}/${name}-AbCdEf`,
  ...(name === 'dek' || name === 'identity' ? { policy: `aws_secretsmanager_secret_policy.this["${name}"]` } : {}),
})
const trustOf = (address: string): What => ({
  arn: role(`${NAME}-${address}`),
  policy: `aws_iam_role.${address}`,
  isDecisive: true,
})
const gate: What = { arn: `arn:aws:codepipeline:${REGION}:${ACCOUNT}:${NAME}/Approve/ReviewPCR0` }
const topic: What = { arn: `arn:aws:sns:${REGION}:${ACCOUNT}:${NAME}-alarms`, policy: 'aws_sns_topic_policy.alarms' }
const image = (name: string): What => ({
  arn: `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${NAME}/${name.replace('_', '-')}`,
  policy: `aws_ecr_repository_policy.this["${name}"]`,
})
const repository = image('enclave')
const mirrored = image('device_plugin')

const repeated = (digit: string): string => digit.repeat(96)
const OLD = repeated('a')
const NEW = repeated('b')
const OTHER = repeated('c')
const ZERO = repeated('0')

const encrypted = (purpose: string, environment = 'production'): Context => ({
  'kms:EncryptionContext:service': 'driftseal',
  'kms:EncryptionContext:environment': environment,
  'kms:EncryptionContext:purpose': purpose,
})
const attested = (pcr0: string, context: Context = encrypted('dek')): Context => ({
  'kms:RecipientAttestation:PCR0': pcr0,
  ...context,
})
const measured = (pcr3: string, pcr8: string): Context => ({
  ...attested(NEW),
  'kms:RecipientAttestation:PCR3': pcr3,
  'kms:RecipientAttestation:PCR8': pcr8,
})
const via = (service: string, more: Context = {}): Context => ({
  'kms:ViaService': `${service}.${REGION}.amazonaws.com`,
  ...more,
})
const rule = (name: string): Context => ({
  'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT}:rule/${NAME}-${name}`,
})
const certificate = (subject: string, issuer = 'DriftSeal production'): Context => ({
  'aws:SourceArn': `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:trust-anchor/8b1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2`,
  'aws:PrincipalTag/x509Issuer/CN': issuer,
  'aws:PrincipalTag/x509Subject/CN': subject,
})
const pod = (namespace: string, account: string): Context => ({
  'aws:SourceAccount': ACCOUNT,
  'aws:SourceArn': `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${NAME}`,
  'aws:RequestTag/kubernetes-namespace': namespace,
  'aws:RequestTag/kubernetes-service-account': account,
})
const once: Context = { 's3:if-none-match': '*' }

type Row = readonly [who: Who, action: string, what: What, decision: Decision, context?: Context, rest?: Partial<Case>]

const YES = 'allowed'
const DENIED = 'explicitly denied'
const NOTHING = 'implicitly denied'
const closed = { run: 'closed' } as const
const retired = { run: 'measured' } as const
const endpoint = (service: string) => ({ through: `aws_vpc_endpoint.interface["${service}"]` })
const s3Endpoint = { through: 'aws_vpc_endpoint.s3' }

const table: Readonly<Record<string, readonly Row[]>> = {
  'the data key, through the gate': [
    [bootstrap, 'kms:Decrypt', dek, YES, attested(NEW)],
    [bootstrap, 'kms:Decrypt', dek, YES, attested(OLD)],
    [bootstrap, 'kms:Decrypt', dek, YES, attested(NEW.toUpperCase())],
    [bootstrap, 'kms:Decrypt', dek, YES, attested(NEW, encrypted('identity'))],
    [bootstrap, 'kms:Decrypt', dek, YES, attested(NEW), endpoint('kms')],
    [bootstrap, 'kms:Decrypt', dek, DENIED, encrypted('dek')],
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(OTHER)],
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(ZERO)],
    [bootstrap, 'kms:Decrypt', dek, NOTHING, attested(NEW, {})],
    [bootstrap, 'kms:Decrypt', dek, NOTHING, attested(NEW, encrypted('dek', 'staging'))],
    [bootstrap, 'kms:Decrypt', dek, NOTHING, attested(NEW, encrypted('backup'))],
    [armed(bootstrap), 'kms:Decrypt', dek, DENIED, encrypted('dek')],
    [armed(bootstrap), 'kms:Decrypt', dek, NOTHING, attested(NEW, {})],
    [node, 'kms:Decrypt', dek, DENIED, attested(NEW)],
    [enclave, 'kms:Decrypt', dek, NOTHING, attested(NEW)],
    [administrator, 'kms:Decrypt', dek, DENIED, encrypted('dek')],
    [administrator, 'kms:Decrypt', dek, NOTHING, attested(NEW)],
    [keyAdmin, 'kms:Decrypt', dek, NOTHING, attested(NEW)],
    [rootUser, 'kms:Decrypt', dek, NOTHING, attested(NEW)],
    [build, 'kms:Decrypt', dek, DENIED, attested(NEW)],
    [provisioner, 'kms:Decrypt', dek, DENIED, encrypted('dek')],
  ],
  'the gate closed, and an image retired': [
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(NEW), closed],
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(ZERO), closed],
    [administrator, 'kms:Decrypt', dek, DENIED, attested(NEW), closed],
    [keyAdmin, 'kms:PutKeyPolicy', dek, YES, {}, closed],
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(OLD), retired],
    [bootstrap, 'kms:Decrypt', dek, YES, measured(repeated('3'), repeated('8')), retired],
    [bootstrap, 'kms:Decrypt', dek, DENIED, measured(repeated('4'), repeated('8')), retired],
    [bootstrap, 'kms:Decrypt', dek, DENIED, measured(repeated('3'), repeated('9')), retired],
    [bootstrap, 'kms:Decrypt', dek, DENIED, attested(NEW), retired],
  ],
  'ways around the gate': [
    [administrator, 'kms:ReEncryptFrom', dek, DENIED, encrypted('dek')],
    [administrator, 'kms:ReEncryptFrom', dek, DENIED, attested(NEW)],
    [administrator, 'kms:ReEncryptTo', dek, DENIED],
    [administrator, 'kms:CreateGrant', dek, DENIED],
    [keyAdmin, 'kms:CreateGrant', dek, DENIED, via('ecr', { 'kms:GrantIsForAWSResource': 'true' })],
    [administrator, 'kms:DeriveSharedSecret', dek, DENIED],
    [administrator, 'kms:Encrypt', dek, DENIED, encrypted('dek')],
    [administrator, 'kms:PutKeyPolicy', dek, NOTHING],
    [administrator, 'kms:ScheduleKeyDeletion', dek, NOTHING],
    [keyAdmin, 'kms:PutKeyPolicy', dek, YES],
    [rootUser, 'kms:PutKeyPolicy', dek, YES],
    [rootUser, 'kms:ScheduleKeyDeletion', dek, NOTHING],
    [armed(bootstrap), 'kms:PutKeyPolicy', dek, DENIED],
    [armed(promote), 'kms:PutKeyPolicy', dek, DENIED],
    [armed(build), 'kms:PutKeyPolicy', dek, DENIED],
    [armed(rollout), 'kms:PutKeyPolicy', dek, DENIED],
    [armed(approver), 'kms:PutKeyPolicy', dek, DENIED],
    [rollout, 'kms:GetKeyPolicy', dek, YES],
  ],
  'making keys': [
    [provisioner, 'kms:GenerateDataKeyWithoutPlaintext', dek, YES, encrypted('dek')],
    [provisioner, 'kms:GenerateDataKeyWithoutPlaintext', dek, NOTHING],
    [provisioner, 'kms:GenerateDataKeyWithoutPlaintext', dek, NOTHING, encrypted('identity')],
    [
      provisioner,
      'kms:GenerateDataKeyPairWithoutPlaintext',
      dek,
      YES,
      { ...encrypted('identity'), 'kms:DataKeyPairSpec': 'ECC_NIST_P256' },
    ],
    [
      provisioner,
      'kms:GenerateDataKeyPairWithoutPlaintext',
      dek,
      NOTHING,
      { ...encrypted('identity'), 'kms:DataKeyPairSpec': 'RSA_2048' },
    ],
    [provisioner, 'kms:GenerateDataKey', dek, DENIED, encrypted('dek')],
    [administrator, 'kms:GenerateDataKey', dek, DENIED, encrypted('dek')],
    [administrator, 'kms:GenerateDataKeyPair', dek, DENIED, encrypted('identity')],
    [administrator, 'kms:GenerateDataKeyWithoutPlaintext', dek, NOTHING, encrypted('dek')],
    [alerting, 'kms:GenerateDataKey', dek, YES, encrypted('webhook')],
    [alerting, 'kms:GenerateDataKey', dek, DENIED, encrypted('dek')],
  ],
  'the key that services use': [
    [enclave, 'kms:Decrypt', data, YES, via('s3')],
    [enclave, 'kms:Decrypt', data, YES, via('sqs')],
    [enclave, 'kms:Decrypt', data, NOTHING],
    [
      bootstrap,
      'kms:Decrypt',
      data,
      YES,
      via('secretsmanager', { 'kms:EncryptionContext:SecretARN': secret('dek').arn }),
    ],
    [bootstrap, 'kms:Decrypt', data, NOTHING, via('sqs')],
    [bootstrap, 'kms:Decrypt', data, NOTHING],
    [armed(node), 'kms:Decrypt', data, DENIED, via('s3')],
    [administrator, 'kms:Decrypt', data, NOTHING, via('s3')],
  ],
  'wrapped secrets': [
    [bootstrap, 'secretsmanager:GetSecretValue', secret('dek'), YES],
    [bootstrap, 'secretsmanager:GetSecretValue', secret('identity'), YES, {}, endpoint('secretsmanager')],
    [bootstrap, 'secretsmanager:GetSecretValue', secret('webhook/on-call'), YES],
    [bootstrap, 'secretsmanager:GetSecretValue', secret('promotion-token'), NOTHING],
    [bootstrap, 'secretsmanager:PutSecretValue', secret('dek'), DENIED],
    [armed(build), 'secretsmanager:GetSecretValue', secret('dek'), DENIED],
    [armed(node), 'secretsmanager:GetSecretValue', secret('dek'), DENIED],
    [administrator, 'secretsmanager:GetSecretValue', secret('dek'), DENIED],
    [administrator, 'secretsmanager:PutSecretValue', secret('dek'), DENIED],
    [provisioner, 'secretsmanager:PutSecretValue', secret('dek'), YES],
    [promote, 'secretsmanager:GetSecretValue', secret('promotion-token'), YES],
    [build, 'secretsmanager:GetSecretValue', secret('promotion-token'), NOTHING],
  ],
  states: [
    [enclave, 's3:GetObject', state, YES],
    [enclave, 's3:GetObject', state, YES, {}, s3Endpoint],
    [enclave, 's3:PutObject', state, NOTHING],
    [bootstrap, 's3:GetObject', state, DENIED],
    [armed(bootstrap), 's3:GetObject', state, DENIED],
    [node, 's3:GetObject', state, DENIED],
    [armed(node), 's3:GetObject', state, DENIED],
    [armed(own('general-node')), 's3:GetObject', state, DENIED],
    [armed(build), 's3:GetObject', state, DENIED],
    [enclave, 's3:GetObject', managedState, YES],
    [enclave, 's3:GetObject', managedState, DENIED, { 'aws:SecureTransport': 'false' }],
    [armed(node), 's3:GetObject', managedState, DENIED],
    [enclave, 's3:GetObject', { arn: 'arn:aws:s3:::terraform-states/payroll/terraform.tfstate' }, NOTHING],
  ],
  'the ledger': [
    [enclave, 's3:PutObject', entry, YES, once],
    [enclave, 's3:PutObject', entry, DENIED],
    [enclave, 's3:PutObject', entry, DENIED, { ...once, 's3:x-amz-server-side-encryption': 'AES256' }],
    [enclave, 's3:GetObject', entry, YES],
    [enclave, 's3:ListBucket', bucket('ledger'), YES],
    [enclave, 's3:DeleteObject', entry, DENIED],
    [enclave, 's3:GetObject', entry, DENIED, { 's3:TlsVersion': '1.1' }],
    [administrator, 's3:GetObject', entry, DENIED],
    [administrator, 's3:PutObject', entry, DENIED, once],
    [keyAdmin, 's3:DeleteObjectVersion', entry, DENIED],
    [keyAdmin, 's3:BypassGovernanceRetention', entry, DENIED],
    [keyAdmin, 's3:PutObjectRetention', entry, DENIED],
    [administrator, 's3:PutBucketPolicy', bucket('ledger'), DENIED],
    [keyAdmin, 's3:PutBucketPolicy', bucket('ledger'), YES],
    [armed(bootstrap), 's3:PutObject', entry, DENIED, once],
    [armed(node), 's3:GetObject', entry, DENIED],
  ],
  events: [
    [enclave, 'sqs:ReceiveMessage', events, YES],
    [enclave, 'sqs:DeleteMessage', events, YES, {}, endpoint('sqs')],
    [enclave, 'sqs:PurgeQueue', events, DENIED],
    [enclave, 'sqs:SendMessage', events, DENIED],
    [enclave, 'sqs:ReceiveMessage', queue('state'), YES],
    [enclave, 'sqs:ReceiveMessage', queue('events_dlq'), DENIED],
    [bootstrap, 'sqs:DeleteMessage', events, DENIED],
    [armed(bootstrap), 'sqs:DeleteMessage', events, DENIED],
    [armed(node), 'sqs:ReceiveMessage', events, DENIED],
    [administrator, 'sqs:ReceiveMessage', events, DENIED],
    [administrator, 'sqs:SendMessage', events, DENIED],
    [keyAdmin, 'sqs:PurgeQueue', events, DENIED],
    [eventBridge, 'sqs:SendMessage', events, YES, rule('changes')],
    [eventBridge, 'sqs:SendMessage', events, NOTHING, rule('forged')],
    [eventBridge, 'sqs:SendMessage', queue('state'), NOTHING, rule('changes')],
    [
      armed(node),
      'events:PutEvents',
      {
        arn: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${NAME}`,
        policy: 'aws_cloudwatch_event_bus_policy.central',
      },
      DENIED,
    ],
  ],
  'the enclave’s own identity': [
    [rolesAnywhere, 'sts:AssumeRole', trustOf('enclave'), YES, certificate(`production.${NEW.slice(0, 16)}`)],
    [rolesAnywhere, 'sts:AssumeRole', trustOf('enclave'), YES, certificate(`production.${OLD.slice(0, 16)}`)],
    [rolesAnywhere, 'sts:AssumeRole', trustOf('enclave'), NOTHING, certificate(`production.${OTHER.slice(0, 16)}`)],
    [
      rolesAnywhere,
      'sts:AssumeRole',
      trustOf('enclave'),
      NOTHING,
      certificate(`production.${OLD.slice(0, 16)}`),
      retired,
    ],
    [
      rolesAnywhere,
      'sts:AssumeRole',
      trustOf('enclave'),
      NOTHING,
      certificate(`production.${NEW.slice(0, 16)}`),
      closed,
    ],
    [
      rolesAnywhere,
      'sts:AssumeRole',
      trustOf('enclave'),
      NOTHING,
      certificate(`production.${NEW.slice(0, 16)}`, 'Example CA'),
    ],
    [
      rolesAnywhere,
      'sts:AssumeRole',
      trustOf('enclave'),
      NOTHING,
      {
        ...certificate(`production.${NEW.slice(0, 16)}`),
        'aws:SourceArn': `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:trust-anchor/of-somebody-else`,
      },
    ],
    [administrator, 'sts:AssumeRole', trustOf('enclave'), NOTHING],
    [armed(node), 'sts:AssumeRole', trustOf('enclave'), DENIED],
    [
      { principal: 'pods.eks.amazonaws.com' },
      'sts:AssumeRole',
      trustOf('bootstrap'),
      YES,
      pod('driftseal', 'driftseal'),
    ],
    [
      { principal: 'pods.eks.amazonaws.com' },
      'sts:AssumeRole',
      trustOf('bootstrap'),
      NOTHING,
      pod('default', 'driftseal'),
    ],
    [
      { principal: 'pods.eks.amazonaws.com' },
      'sts:AssumeRole',
      trustOf('bootstrap'),
      NOTHING,
      pod('driftseal', 'default'),
    ],
    [administrator, 'sts:AssumeRole', trustOf('bootstrap'), NOTHING],
    [enclave, 'cloudwatch:PutMetricData', { arn: '*' }, YES, { 'cloudwatch:namespace': 'DriftSeal' }],
    [enclave, 'cloudwatch:PutMetricData', { arn: '*' }, NOTHING, { 'cloudwatch:namespace': 'AWS/KMS' }],
    [armed(bootstrap), 'cloudwatch:PutMetricData', { arn: '*' }, DENIED, { 'cloudwatch:namespace': 'DriftSeal' }],
  ],
  'the pipeline': [
    [approver, 'codepipeline:PutApprovalResult', gate, YES],
    [approver, 'codepipeline:PutApprovalResult', { arn: gate.arn.replace('Approve', 'Other') }, NOTHING],
    [
      armed(approver),
      'codepipeline:StartPipelineExecution',
      { arn: `arn:aws:codepipeline:${REGION}:${ACCOUNT}:${NAME}` },
      DENIED,
    ],
    [approver, 's3:GetObject', report, YES],
    [build, 'codepipeline:PutApprovalResult', gate, DENIED],
    [armed(build), 'codepipeline:PutApprovalResult', gate, DENIED],
    [armed(promote), 'codepipeline:PutApprovalResult', gate, DENIED],
    [own('pipeline'), 'codepipeline:PutApprovalResult', gate, DENIED],
    [own('compare'), 's3:PutObject', report, YES],
    [build, 's3:PutObject', report, NOTHING],
    [build, 's3:PutObject', bucket('artifacts', '/builds/1f/first/pcr-values.json'), YES],
    [own('rebuild'), 's3:PutObject', bucket('artifacts', '/builds/1f/first/pcr-values.json'), NOTHING],
    [administrator, 's3:PutObject', report, DENIED],
    [administrator, 's3:DeleteObject', report, DENIED],
    [own('compare'), 'kms:Sign', signing, YES, { 'kms:SigningAlgorithm': 'ECDSA_SHA_256' }],
    [armed(build), 'kms:Sign', signing, DENIED, { 'kms:SigningAlgorithm': 'ECDSA_SHA_256' }],
    [approver, 'kms:Verify', signing, YES, { 'kms:ResourceAliases': [`alias/${NAME}-signing`] }],
    [approver, 'kms:Verify', signing, NOTHING, { 'kms:ResourceAliases': [] }],
    [build, 'ecr:PutImage', repository, YES],
    [own('rebuild'), 'ecr:PutImage', repository, DENIED],
    [administrator, 'ecr:CompleteLayerUpload', repository, DENIED],
    [armed(build), 'ecr:BatchDeleteImage', repository, DENIED],
    [rollout, 'ecr:PutImage', repository, YES],
    [armed(rollout), 'ecr:CompleteLayerUpload', repository, DENIED],
    [build, 'ecr:CompleteLayerUpload', mirrored, DENIED],
    [keyAdmin, 'ecr:CompleteLayerUpload', mirrored, YES],
    [build, 'kms:GenerateDataKey', data, YES, via('s3')],
    [own('compare'), 'kms:GetKeyPolicy', dek, YES],
  ],
  'silence, and other accounts': [
    [administrator, 'sns:Subscribe', topic, DENIED],
    [administrator, 'sns:DeleteTopic', topic, DENIED],
    [armed(node), 'sns:Publish', topic, DENIED],
    [foreigner, 's3:PutObject', { arn: 'arn:aws:s3:::loot/states' }, NOTHING, {}, s3Endpoint],
    [foreigner, 'sqs:SendMessage', { arn: 'arn:aws:sqs:eu-west-1:999988887777:loot' }, NOTHING, {}, endpoint('sqs')],
    [
      foreigner,
      'secretsmanager:PutSecretValue',
      { arn: 'arn:aws:secretsmanager:eu-west-1:999988887777:secret:loot-AbCdEf' },
      NOTHING,
      {},
      endpoint('secretsmanager'),
    ],
  ],
}

/** Who may do what, by subject. */
export const CASES: readonly (readonly [subject: string, cases: readonly Case[]])[] = Object.entries(table).map(
  ([subject, rows]) => [
    subject,
    rows.map(([who, action, what, decision, context = {}, rest = {}]) => ({
      who,
      action,
      what,
      decision,
      context,
      ...rest,
    })),
  ],
)
