import type { JsonObject } from '../../enclave/core/json.ts'

const ACCOUNT = '111122223333'
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
const CLI = 'aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.13.7'
const TERRAFORM = 'APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.100.0'

/** Who may run Terraform in the scenarios: the role of `terraform` below, and nobody else. */
export const PRINCIPALS = [`arn:aws:iam::${ACCOUNT}:role/terraform`]

const session = (role: string, name: string): JsonObject => ({
  type: 'AssumedRole',
  principalId: `AROAEXAMPLEEXAMPLEEX:${name}`,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`,
  accountId: ACCOUNT,
  accessKeyId: 'ASIAEXAMPLEEXAMPLEEX',
  sessionContext: {
    sessionIssuer: {
      type: 'Role',
      principalId: 'AROAEXAMPLEEXAMPLEEX',
      arn: `arn:aws:iam::${ACCOUNT}:role/${role}`,
      accountId: ACCOUNT,
      userName: role,
    },
    attributes: { creationDate: '2026-01-15T11:00:00Z', mfaAuthenticated: 'true' },
  },
})

const service = (name: string): JsonObject => ({
  userIdentity: { type: 'AWSService', invokedBy: name },
  sourceIPAddress: name,
  userAgent: name,
})

const linked = (role: string, name: string): JsonObject => {
  const identity = session(role, name)
  const issuer = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${name}/${role}`
  return {
    userIdentity: {
      ...identity,
      invokedBy: name,
      sessionContext: { sessionIssuer: { type: 'Role', arn: issuer, accountId: ACCOUNT, userName: role } },
    },
    sourceIPAddress: name,
    userAgent: name,
  }
}

/** Who calls, as the fields of a record that say so. */
export const actors = {
  console: {
    userIdentity: session('Admin', 'admin@example.com'),
    sourceIPAddress: '203.0.113.12',
    userAgent: BROWSER,
    sessionCredentialFromConsole: 'true',
  },
  cli: {
    userIdentity: {
      type: 'IAMUser',
      principalId: 'AIDAEXAMPLEEXAMPLEEX',
      arn: `arn:aws:iam::${ACCOUNT}:user/deployer`,
      accountId: ACCOUNT,
      accessKeyId: 'AKIAEXAMPLEEXAMPLEEX',
      userName: 'deployer',
    },
    sourceIPAddress: '203.0.113.13',
    userAgent: CLI,
  },
  root: {
    userIdentity: { type: 'Root', principalId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT },
    sourceIPAddress: '203.0.113.14',
    userAgent: BROWSER,
  },
  terraform: { userIdentity: session('terraform', 'run-1'), sourceIPAddress: '203.0.113.15', userAgent: TERRAFORM },
  /** Calls itself Terraform, and is not allowed to be. */
  'terraform-of-others': {
    userIdentity: session('Developer', 'dev@example.com'),
    sourceIPAddress: '203.0.113.16',
    userAgent: TERRAFORM,
  },
  autoscaling: linked('AWSServiceRoleForAutoScaling', 'autoscaling.amazonaws.com'),
  'application-autoscaling': service('application-autoscaling.amazonaws.com'),
  ecs: linked('AWSServiceRoleForECS', 'ecs.amazonaws.com'),
  rds: service('rds.amazonaws.com'),
  elasticloadbalancing: service('elasticloadbalancing.amazonaws.com'),
  cloudformation: {
    ...service('cloudformation.amazonaws.com'),
    userIdentity: { ...session('Admin', 'admin@example.com'), invokedBy: 'cloudformation.amazonaws.com' },
  },
  eks: linked('AWSServiceRoleForAmazonEKSNodegroup', 'eks-nodegroup.amazonaws.com'),
  'ebs-csi-driver': {
    userIdentity: session('AmazonEKS_EBS_CSI_DriverRole', '1768478400000000000'),
    sourceIPAddress: '203.0.113.17',
    userAgent: 'aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.254.1',
  },
  codedeploy: service('codedeploy.amazonaws.com'),
  backup: service('backup.amazonaws.com'),
} as const satisfies Readonly<Record<string, JsonObject>>

export type ActorName = keyof typeof actors
