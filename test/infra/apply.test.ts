import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRendering } from './rendering.ts'
import { MOTO_SERVER, openWorkspace, sayLeftOut, TERRAFORM, type Workspace } from './terraform.ts'

// A plan does not show what an API refuses: a name that is too long, a policy that does not parse, an order of creation
// that cannot be. moto refuses some of that.

const MODULE = 'infra/examples/complete'
/** Far above the two minutes that it takes. */
const HANG_MS = 10 * 60_000

/** What moto carries, and soon enough; what these depend on comes along. It mixes up two changes of one queue at a time. */
const CARRIED = [
  'aws_kms_key.data',
  'aws_kms_key.enclave_dek',
  'aws_kms_key.signing',
  'aws_kms_alias.this',
  'aws_iam_role_policy.bootstrap',
  'aws_iam_role_policy.enclave',
  'aws_iam_role_policy.node',
  'aws_iam_role_policy.project',
  'aws_sqs_queue.this',
  'aws_sqs_queue_policy.this',
  'aws_secretsmanager_secret.this',
  'aws_secretsmanager_secret_policy.this',
  'aws_ecr_repository.this',
  'aws_ecr_repository_policy.this',
  'aws_sns_topic.alarms',
  'aws_sns_topic_policy.alarms',
  'aws_cloudwatch_event_bus.central',
  'aws_cloudwatch_event_bus_policy.central',
  'aws_cloudwatch_event_rule.changes',
  'aws_cloudwatch_event_rule.state',
  'aws_cloudwatch_metric_alarm.this',
  'aws_s3_bucket.this',
  'aws_s3_bucket_policy.this',
  'aws_s3_bucket_versioning.this',
  'aws_s3_bucket_object_lock_configuration.ledger',
]
const all = new Set(Object.keys(readRendering().open).map((address) => address.replace(/\[.*$/, '')))
const leftOut = [...all].filter((address) => !CARRIED.includes(address))

const CAN_APPLY = MOTO_SERVER !== undefined && TERRAFORM !== undefined

it('says what it leaves out', () => {
  const missing = CAN_APPLY
    ? `${leftOut.length} of ${all.size} resource blocks, among them cluster, pipeline and trust anchor`
    : 'all of it, since terraform or moto_server is not on PATH'
  expect(sayLeftOut(`of an apply: ${missing}`)).not.toBe('')
})

describe.skipIf(!CAN_APPLY)('with Terraform and moto', () => {
  let moto: ChildProcess
  let workspace: Workspace
  const targets = CARRIED.map((address) => `-target=module.driftseal.${address}`)
  const terraform = async (...args: readonly string[]): Promise<string> => {
    const { code, output } = await workspace.terraform(MODULE, ...args)
    if (code !== 0) throw new Error(output)
    return output
  }

  beforeAll(async () => {
    const port = await freePort()
    moto = spawn(MOTO_SERVER ?? '', ['-H', '127.0.0.1', '-p', String(port)], {
      env: { ...process.env, MOTO_ACCOUNT_ID: '111122223333' },
      stdio: 'ignore',
    })
    workspace = openWorkspace({ AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` })
    for (const [name, folder] of [
      ['moto_provider_override.tf', MODULE],
      ['moto_identity_override.tf', 'infra'],
    ] as const)
      cpSync(join(import.meta.dirname, name), join(workspace.folder, folder, name))
    await terraform('init', '-backend=false', '-no-color')
  }, HANG_MS)
  afterAll(async () => {
    moto.kill()
    if (moto.exitCode === null) await once(moto, 'exit')
    workspace[Symbol.dispose]()
  })

  it('is created and destroyed', { timeout: HANG_MS }, async () => {
    const common = ['-no-color', '-input=false', '-parallelism=30', ...targets]
    expect(await terraform('apply', '-auto-approve', ...common)).toMatch(/Apply complete! Resources: \d{2,} added/)
    expect(await terraform('destroy', '-auto-approve', ...common)).toMatch(
      /Destroy complete! Resources: \d{2,} destroyed/,
    )
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
