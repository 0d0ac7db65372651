import { createHash, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import type { Sign } from '../../../deploy/gate/dsse.ts'
import type { Expected, Report } from '../../../deploy/gate/provenance.ts'
import { parseSummary, type Summary } from '../../../deploy/gate/summary.ts'
import { summaryText } from '../../../deploy/gate/summary_text.ts'

export const hex = (text: string | Uint8Array, algorithm = 'sha384'): string =>
  createHash(algorithm).update(text).digest('hex')

export const [LIVE, NEW, OTHER] = [hex('live'), hex('new'), hex('other')] as const
export const EXECUTION = '0c7f9d3a-1b2c-4d5e-8f90-a1b2c3d4e5f6'
export const COMMIT = hex('commit', 'sha1')
const LIVE_COMMIT = hex('live commit', 'sha1')
export const REPOSITORY = 'example/driftseal'
export const BUILDER = 'arn:aws:codepipeline:us-east-1:111122223333:driftseal-production'
export const EXPECTED: Expected = {
  builder: BUILDER,
  execution: EXECUTION,
  repository: REPOSITORY,
  commit: COMMIT,
}

const measurement = {
  version: 1 as const,
  architecture: 'x86_64' as const,
  pcr0: NEW,
  pcr1: hex('kernel'),
  pcr2: hex('application'),
  pcr8: null,
  size: 170_000_000,
  sha256: hex('eif', 'sha256'),
  sha384: hex('eif'),
}

export const imageOf = (name: string): string =>
  `111122223333.dkr.ecr.us-east-1.amazonaws.com/driftseal-production/${name}@sha256:${hex(name, 'sha256')}`

export const summaryOf = (over: Partial<Summary> = {}): Summary => ({
  version: 1,
  environment: 'production',
  builder: { id: BUILDER, execution: EXECUTION },
  source: { repository: REPOSITORY, commit: COMMIT, tag: { name: 'v1.1.0', verified: true } },
  live: { pcr0: LIVE, commit: LIVE_COMMIT },
  changes: {
    commits: [{ id: COMMIT, subject: 'Watch replication too' }],
    files: [{ status: 'M', path: 'rules/falco/ecr.yaml' }],
    rules: ['rules/falco/ecr.yaml: rule "ecr_scan_off" added'],
    config: ['states.registry.key: "a" -> "b"'],
  },
  measurement,
  second: { ...measurement, sha256: hex('second', 'sha256') },
  debug: false,
  images: { enclave: imageOf('enclave'), runner: imageOf('runner'), 'parent-proxy': imageOf('parent-proxy') },
  bases: [`docker.io/library/node:26-bookworm@sha256:${hex('base', 'sha256')}`],
  lock: { sha256: hex('lock', 'sha256') },
  toolchain: { node: 'v26.10.0' },
  sbom: { sha256: hex('{}', 'sha256'), components: 1 },
  tests: { total: 3, passed: 3, failed: 0 },
  allowList: { applied: [LIVE], inRepository: [LIVE], proposed: [LIVE, NEW] },
  policy: { kind: 'diff', lines: ['@@ Allow AttestedDecrypt @@', '-  "a"', '+  "b"'] },
  warnings: [],
  ...over,
})

export const reportOf = (summary: Summary = summaryOf()): Report => ({
  'build-summary.json': Buffer.from(JSON.stringify(parseSummary(JSON.stringify(summary), 'the fixture'))),
  'build-summary.md': Buffer.from(summaryText(summary)),
  'sbom.cdx.json': Buffer.from('{}'),
})

/** A key as KMS has it, and the public half that a reviewer keeps. */
export const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const PUBLIC_PEM = signingKey.publicKey.export({ type: 'spki', format: 'pem' })
export const sign: Sign = async (message) => ({
  signature: signBytes('sha256', message, signingKey.privateKey),
  keyId: 'arn:aws:kms:us-east-1:111122223333:key/0f8fad5b-d9cb-469f-a165-70867728950e',
})

/** The statements of infra/kms.tf that speak of images. */
export const policyOf = (images: readonly string[]): string => {
  const value = images.length === 1 ? images[0] : images
  const everyone = { Principal: '*', Resource: '*' }
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Sid: 'KeyAdministration', Effect: 'Allow', Action: 'kms:PutKeyPolicy', ...everyone },
      {
        Sid: 'AttestedDecrypt',
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        ...everyone,
        Condition: {
          StringEqualsIgnoreCase: { 'kms:RecipientAttestation:PCR0': value },
          StringEquals: { 'kms:EncryptionContext:service': 'driftseal' },
        },
      },
      {
        Sid: 'DenyUnattested',
        Effect: 'Deny',
        Action: ['kms:Decrypt'],
        ...everyone,
        Condition: { StringNotEqualsIgnoreCase: { 'kms:RecipientAttestation:PCR0': value } },
      },
      {
        Sid: 'DenyDebugEnclave',
        Effect: 'Deny',
        Action: 'kms:Decrypt',
        ...everyone,
        Condition: { StringEquals: { 'kms:RecipientAttestation:PCR0': '0'.repeat(96) } },
      },
    ],
  })
}
