import { once } from 'node:events'
import { readFileSync, symlinkSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { gzipSync } from 'node:zlib'
import { signReport } from '../../deploy/gate/provenance.ts'
import { createIngress } from '../../enclave/adapters/ingress.ts'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { openAuthority } from '../../enclave/authority.ts'
import { createIdentity, ingressBinding } from '../../enclave/identity.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { EIF, nitroOutput, REGISTERS } from '../deploy/gate/image_file.ts'
import { EXPECTED, PUBLIC_PEM, reportOf, sign, summaryOf } from '../deploy/gate/reports.ts'
import { manifest } from '../deploy/gate/scene.ts'
import { record, repository, stateText } from '../enclave/core/world.ts'
import { generateIdentityKey, unwrapped } from '../enclave/keys.ts'
import { CREDENTIALS, type Ended, listening, runChild } from '../operator/child.ts'
import { folderOf } from '../operator/folder.ts'
import { createGateServer, store, waitingFor } from '../operator/gate_stand_in.ts'
import { ROOT } from './pages.ts'
import { startSecretsManager } from './secrets_manager.ts'

const { PCR0, PCR1, PCR2 } = REGISTERS
const NONCE = 'a1'.repeat(32)
/** As of when the README verifies a document that was kept. */
const KEPT_AT = Date.parse('2026-01-05T08:00:00Z')
/** The parts of this clone that the pages' commands name. */
const CLONE = ['deploy', 'local', 'operator', 'node_modules', 'package.json']

const { measurement } = summaryOf()
const report = reportOf(summaryOf({ measurement: { ...measurement, pcr0: PCR0 } }))
const drift = record('PutImageTagMutability', { repositoryName: 'my-app-repo', imageTagMutability: 'MUTABLE' })
const state = stateText(repository)
const config = readFileSync(join(ROOT, 'deploy/config.yaml'))
/** The first rules that docs/rules.md shows. */
const [, rules = ''] =
  /```yaml\n(#[^\n]*\nrules:[^]*?)```/.exec(readFileSync(join(ROOT, 'docs/rules.md'), 'utf8')) ?? []

const device = await createSoftwareNsm({ pcr0: PCR0, pcrs: { 1: PCR1, 2: PCR2 }, now: Date.now })
const kept = await createSoftwareNsm({ pcr0: PCR0, now: () => KEPT_AT })
const identity = await createIdentity(Date.now())
const authority = await openAuthority(unwrapped(generateIdentityKey()), {
  environment: 'production',
  pcr0: Buffer.from(PCR0, 'hex'),
})
const atHand = {
  'nsm-root.der': device.rootDer,
  'kept-root.der': kept.rootDer,
  'terraform.tfstate': state,
  'states/terraform.tfstate': state,
  'events.ndjson': JSON.stringify(drift),
  'event.json': JSON.stringify(drift),
  'cloudtrail/a.json.gz': gzipSync(JSON.stringify({ Records: [drift] })),
  'rules/policies/mine.yaml': rules,
  'my-rules.yaml': 'rules:\n  - { id: a, name: A, severity: grave }\n',
  'config.yaml': config,
  'driftseal.eif': EIF,
  'nitro.json': nitroOutput(),
  'first/pcr-values.json': JSON.stringify(measurement),
  'first/manifest.txt': manifest,
  'mine/pcr-values.json': JSON.stringify({ ...measurement, pcr2: PCR2 }),
  'mine/manifest.txt': manifest.replace(' 755', ' 644'),
  'signing.pem': PUBLIC_PEM,
  'report/provenance.dsse.json': JSON.stringify(await signReport(report, sign)),
  ...Object.fromEntries(Object.entries(report).map(([name, bytes]) => [`report/${name}`, bytes])),
  'document.cose': await openNsm(kept.request).attest({ nonce: Buffer.from(NONCE, 'hex') }),
}

/** The reader of a page: what he has at hand, in a folder that looks like a clone, and who answers him. */
async function readerOf(commands: readonly string[]) {
  const folder = folderOf(atHand)
  for (const part of CLONE) symlinkSync(join(ROOT, part), join(folder, part))
  const waiting = waitingFor()
  await store(waiting, report)
  const filled = !commands.some((command) => command.includes(' dek provision '))
  const env = {
    ...CREDENTIALS,
    AWS_ENDPOINT_URL: await listening(createGateServer(() => waiting)),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await startSecretsManager({ filled }),
    ENCLAVE: 'enclave.example.com',
    PORT: await startEnclave(),
    PCR0,
    PCR1,
    PCR2,
    NONCE,
    PIPELINE_ARN: EXPECTED.builder,
    EXECUTION_ID: EXPECTED.execution,
    COMMIT: EXPECTED.commit,
    ROTATION_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:111122223333:function:driftseal-production-rotation',
  }
  return { folder, env }
}

async function startEnclave(): Promise<string> {
  const nsm = openNsm(device.request)
  const userData = ingressBinding(identity, config, authority.certificate)
  const ingress = createIngress(identity.tls, {
    missing: () => [],
    attest: (nonce) => nsm.attest({ nonce, userData }),
    authority: authority.pem,
    metrics: () => '',
  })
  ingress.listen(0, '127.0.0.1')
  await once(ingress, 'listening')
  onTestFinished(() => void ingress.close())
  return String((ingress.address() as AddressInfo).port) // it listens on TCP
}

/** What is at another place than for a reader, and the programs of his that only answer him. */
const PRELUDE = `
curl() { command curl --connect-to "$ENCLAVE:8443:127.0.0.1:$PORT" "$@"; }
terraform() { echo "$ROTATION_FUNCTION_ARN"; }
`
const HERE: readonly (readonly [from: RegExp, to: string])[] = [
  [/^npm run (?:--silent )?driftseal --|^driftseal(?= )/, 'node operator/main.ts'],
  [/^npm exec -- node/, 'node'],
  [/--nonce <hex>/, '--nonce "$NONCE"'],
  [/--pcr0 <(?:hex|the PCR0)>/, '--pcr0 "$PCR0"'],
  [/https:\/\/127\.0\.0\.1:8443/, 'https://127.0.0.1:$PORT'],
  // AWS's hypervisor signs nothing here.
  [/attest verify document\.cose.*/, '$& --root kept-root.der'],
  [/attest (?:verify document\.bin|endpoint).*/, '$& --root nsm-root.der'],
]
const asHere = (command: string): string => HERE.reduce((line, [from, to]) => line.replace(from, to), command)

/** Runs commands one after the other, in one shell, as whoever pastes a block does. */
export async function run(commands: readonly string[]): Promise<readonly Ended[]> {
  const { folder, env } = await readerOf(commands)
  const lines = commands.map(
    (command, index) => `{ ${asHere(command)}\n} >${index}.out 2>${index}.err </dev/null\necho $? >${index}.status`,
  )
  const path = `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}`
  const script = [PRELUDE, ...lines].join('\n')
  const { stderr } = await runChild(['bash', '-c', script], { cwd: folder, env: { ...env, PATH: path } })
  if (stderr !== '') throw new Error(stderr)
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return lines.map((_, index) => ({
    status: Number(read(`${index}.status`)),
    stdout: read(`${index}.out`),
    stderr: read(`${index}.err`),
  }))
}
