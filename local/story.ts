import { randomUUID } from 'node:crypto'

/** The account and the region of everything in the story. */
export const ACCOUNT = '111122223333'
export const REGION = 'us-east-1'
export const TERRAFORM_ROLE = `arn:aws:iam::${ACCOUNT}:role/terraform`

const pullPolicy = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'PullByTheCluster',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/cluster-nodes` },
      Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
    },
  ],
}

/** One resource as Terraform writes it into its state. */
const managed = (type: string, name: string, attributes: object, rest: object = {}) => ({
  ...rest,
  mode: 'managed',
  type,
  name,
  provider: 'provider["registry.terraform.io/hashicorp/aws"]',
  instances: [{ schema_version: 0, attributes, sensitive_attributes: [] }],
})

const repositoryState = (name: string, scan: boolean, tags: Readonly<Record<string, string>>) => ({
  arn: `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${name}`,
  encryption_configuration: [{ encryption_type: 'AES256', kms_key: '' }],
  force_delete: null,
  id: name,
  image_scanning_configuration: [{ scan_on_push: scan }],
  image_tag_mutability: 'IMMUTABLE',
  name,
  registry_id: ACCOUNT,
  repository_url: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/${name}`,
  tags,
  tags_all: { ...tags, ManagedBy: 'terraform' },
  timeouts: null,
})

const stateFile = (serial: number, resources: readonly object[]): string =>
  JSON.stringify({
    version: 4,
    terraform_version: '1.9.8',
    serial,
    lineage: '7f6c1b0e-52a4-4c19-9d5e-6a1f0a3c8b21',
    outputs: {},
    resources,
  })

/** A state of as many repositories as there are names, each with immutable tags. */
export const stateOf = (names: readonly string[]): string =>
  stateFile(
    1,
    names.map((name) => managed('aws_ecr_repository', name, repositoryState(name, true, {}))),
  )

/** The story's state. `scanWeb` is what its apply changes. */
const storyState = (serial: number, scanWeb: boolean): string =>
  stateFile(serial, [
    managed('aws_ecr_repository', 'checkout', repositoryState('checkout-api', true, { Team: 'checkout' })),
    managed('aws_ecr_repository', 'web', repositoryState('web-frontend', scanWeb, { Team: 'web' }), {
      module: 'module.web',
    }),
    managed('aws_ecr_repository_policy', 'checkout', {
      id: 'checkout-api',
      policy: JSON.stringify(pullPolicy),
      registry_id: ACCOUNT,
      repository: 'checkout-api',
    }),
  ])

const admin = {
  type: 'AssumedRole',
  principalId: 'AROAEXAMPLEADMIN00001:admin@example.com',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Administrator/admin@example.com`,
  accountId: ACCOUNT,
  accessKeyId: 'ASIAEXAMPLEADMIN0001',
  sessionContext: {
    sessionIssuer: {
      type: 'Role',
      principalId: 'AROAEXAMPLEADMIN00001',
      arn: `arn:aws:iam::${ACCOUNT}:role/Administrator`,
      accountId: ACCOUNT,
      userName: 'Administrator',
    },
    attributes: { creationDate: '2026-01-05T08:00:00Z', mfaAuthenticated: 'true' },
  },
}

const contractor = {
  type: 'IAMUser',
  principalId: 'AIDAEXAMPLEUSER000001',
  arn: `arn:aws:iam::${ACCOUNT}:user/contractor`,
  accountId: ACCOUNT,
  accessKeyId: 'AKIAEXAMPLEUSER00001',
  userName: 'contractor',
}

const terraform = {
  type: 'AssumedRole',
  principalId: 'AROAEXAMPLETERRA00001:deploy',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/terraform/deploy`,
  accountId: ACCOUNT,
  accessKeyId: 'ASIAEXAMPLETERRA0001',
  sessionContext: {
    sessionIssuer: {
      type: 'Role',
      principalId: 'AROAEXAMPLETERRA00001',
      arn: TERRAFORM_ROLE,
      accountId: ACCOUNT,
      userName: 'terraform',
    },
    attributes: { creationDate: '2026-01-05T08:00:00Z', mfaAuthenticated: 'false' },
  },
}

const CONSOLE = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'
const CLI = 'aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/linux'
const TERRAFORM =
  'APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.100.0 ' +
  '(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3'

/** One call as EventBridge delivers it to the queue. */
export function ecrEvent(
  name: string,
  identity: object,
  userAgent: string,
  requestParameters: object,
  rest: object = {},
): { id: string; body: string } {
  const id = randomUUID()
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const detail = {
    eventVersion: '1.11',
    userIdentity: identity,
    eventTime: time,
    eventSource: 'ecr.amazonaws.com',
    eventName: name,
    awsRegion: REGION,
    sourceIPAddress: '203.0.113.24',
    userAgent,
    requestParameters,
    responseElements: null,
    requestID: randomUUID(),
    eventID: id,
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: 'Management',
    ...rest,
  }
  const envelope = {
    version: '0',
    id: randomUUID(),
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.ecr',
    account: ACCOUNT,
    time,
    region: REGION,
    resources: [],
    detail,
  }
  return { id, body: JSON.stringify(envelope) }
}

const repository = (repositoryName: string) => ({ registryId: ACCOUNT, repositoryName })

export interface Chapter {
  readonly title: string
  readonly event: () => { readonly id: string; readonly body: string }
  /** Terraform writes its state once its calls are made. */
  readonly newState?: string
}

export const FIRST_STATE = storyState(41, false)

/** A morning in one account, from nothing of note to two drifts, and one of them put right. */
export const story: readonly Chapter[] = [
  {
    title: 'a colleague looks at the repositories',
    event: () => ecrEvent('DescribeRepositories', contractor, CLI, {}, { readOnly: true }),
  },
  {
    title: 'an administrator makes the tags of checkout-api mutable, in the console',
    event: () =>
      ecrEvent(
        'PutImageTagMutability',
        admin,
        CONSOLE,
        { ...repository('checkout-api'), imageTagMutability: 'MUTABLE' },
        { sessionCredentialFromConsole: 'true' },
      ),
  },
  {
    title: 'somebody tries to remove a repository policy and may not',
    event: () =>
      ecrEvent('DeleteRepositoryPolicy', contractor, CLI, repository('checkout-api'), {
        errorCode: 'AccessDenied',
        errorMessage: 'not authorized to perform: ecr:DeleteRepositoryPolicy',
      }),
  },
  {
    title: 'the administrator removes it',
    event: () =>
      ecrEvent('DeleteRepositoryPolicy', admin, CONSOLE, repository('checkout-api'), {
        sessionCredentialFromConsole: 'true',
      }),
  },
  {
    title: 'Terraform switches on scanning for web-frontend, then writes its state',
    event: () =>
      ecrEvent('PutImageScanningConfiguration', terraform, TERRAFORM, {
        ...repository('web-frontend'),
        imageScanningConfiguration: { scanOnPush: true },
      }),
    newState: storyState(42, true),
  },
  {
    title: 'the administrator makes the tags immutable again',
    event: () =>
      ecrEvent(
        'PutImageTagMutability',
        admin,
        CONSOLE,
        { ...repository('checkout-api'), imageTagMutability: 'IMMUTABLE' },
        { sessionCredentialFromConsole: 'true' },
      ),
  },
]
