import { ACCOUNT, REGION } from './story.ts'

/** Who acts in the local account, each with all that he may do. The local AWS does not check the secrets. */
interface Principal {
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly actions: readonly string[]
}

const secretAccessKey = 'not-checked-by-the-local-aws'

/** The bootstrap role, which the parent hands to the enclave: it may fetch wrapped keys and ask for an attested Decrypt. */
export const hostPrincipal: Principal = {
  credentials: { accessKeyId: 'ASIAEXAMPLEBOOTSTRAP', secretAccessKey },
  actions: ['secretsmanager:GetSecretValue', 'kms:Decrypt'],
}

/** EventBridge, which fills the queues, and Terraform, which writes states. */
export const cloudPrincipal: Principal = {
  credentials: { accessKeyId: 'AKIAEXAMPLECLOUD0001', secretAccessKey },
  actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 's3:PutObject'],
}

/** The enclave's own role: there is no key to it but the sessions that IAM Roles Anywhere gives out. */
export const enclaveRole = {
  trustAnchor: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:trust-anchor/5d0b6f0c-8a3e-4f57-9c1d-2e7b94a6c3f1`,
  profile: `arn:aws:rolesanywhere:${REGION}:${ACCOUNT}:profile/c94e1a27-0b6d-4c88-a5f3-7d12e8b0469a`,
  role: `arn:aws:iam::${ACCOUNT}:role/driftseal-enclave`,
  actions: [
    's3:GetObject',
    's3:PutObject',
    's3:ListBucket',
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:ChangeMessageVisibility',
    'cloudwatch:PutMetricData',
  ],
} as const
