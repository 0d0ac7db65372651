import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createIngress } from '../../../enclave/adapters/ingress.ts'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { createIdentity, ingressBinding } from '../../../enclave/identity.ts'
import { createSoftwareNsm } from '../../../local/nsm/device.ts'
import { CREDENTIALS, type Ended, listening, runChild } from '../../operator/child.ts'
import { BUCKET, createGateServer, PIPELINE, type Waiting, waitingFor } from '../../operator/gate_stand_in.ts'
import { ROOT } from '../manifests.ts'
import { runBuildspec } from './codebuild.ts'
import { EIF, nitroOutput, REGISTERS } from './image_file.ts'
import { BUILDER, EXECUTION, hex, imageOf, LIVE, policyOf, PUBLIC_PEM, REPOSITORY, signingKey } from './reports.ts'
import { manifest, scene, tests } from './scene.ts'
import { SIGNING_KEY, startSigningKms } from './signing_kms.ts'

const { PCR0 } = REGISTERS
const TFVARS = 'infra/release.auto.tfvars.json'
const LIVE_EXECUTION = '5d2f9a3c-0b1c-4d2e-9f30-b1c2d3e4f5a6'
const PROGRAMS = ['aws', 'dnf', 'docker', 'kubectl', 'nitro-cli', 'npm', 'rpm']
const MANIFESTS = ['ConfigMap', 'DaemonSet', 'Role']
  .map((kind) => JSON.stringify({ kind, metadata: { name: 'driftseal', namespace: 'driftseal' } }))
  .join('\n---\n')
const REPOSITORIES = Object.fromEntries(
  ['enclave', 'runner', 'parent-proxy'].map((name) => [
    `REPOSITORY_${name.toUpperCase().replace('-', '_')}`,
    imageOf(name).split('@')[0] ?? '',
  ]),
)

/** A live commit, the one that is built, and everything that the stages ask, as files and servers of this test. */
async function pipelineOf() {
  const { repository, root, live, liveReport } = scene()
  const trailers = `PCR0: ${LIVE}\nReport: builds/${LIVE_EXECUTION}/${live}`
  const commit = repository.commit({}, 'Let production run the image of the live commit', trailers)
  const put = (name: string, content: string | Uint8Array, mode?: number) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content, { mode })
  }
  const standIn = join(ROOT, 'test/deploy/gate/stand_in.sh')
  for (const program of PROGRAMS)
    put(`bin/${program}`, `#!/usr/bin/env bash\nexec bash '${standIn}' ${program} "$@"\n`, 0o755)
  put('manifest.txt', manifest)
  put('tests.json', JSON.stringify(tests))
  put('driftseal.eif', EIF)
  put('nitro.json', nitroOutput())
  put('rendered.yaml', MANIFESTS)
  put('signing.pem', PUBLIC_PEM)
  put(`${BUCKET}/builds/${LIVE_EXECUTION}/${live}/build-summary.json`, JSON.stringify(liveReport))
  mkdirSync(join(repository.folder, 'node_modules/.bin'))
  symlinkSync(process.execPath, join(repository.folder, 'node_modules/.bin/node'))

  const env = {
    ...CREDENTIALS,
    ...REPOSITORIES,
    PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
    HOME: root,
    GIT_CONFIG_GLOBAL: '/dev/null',
    NITRO_CLI_ARTIFACTS: join(root, 'artifacts'),
    STAND_IN: root,
    ENVIRONMENT: 'production',
    ARTIFACTS_BUCKET: BUCKET,
    EXECUTION_ID: EXECUTION,
    COMMIT: commit,
    CODEBUILD_BUILD_NUMBER: '7',
    SOURCE_REPOSITORY: REPOSITORY,
    SOURCE_BRANCH: 'main',
    BUILDER_ID: BUILDER,
    TFVARS_PATH: TFVARS,
    ALLOW_LIST: JSON.stringify([LIVE]),
    KMS_KEY_ARN: 'arn:aws:kms:us-east-1:111122223333:key/2f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2',
    SIGNING_KEY,
    AWS_ENDPOINT_URL_KMS: await startSigningKms(signingKey.privateKey),
    PROMOTION_TOKEN_SECRET: 'driftseal-production/promotion-token',
    CLUSTER_NAME: 'driftseal-production',
    NAMESPACE: 'driftseal',
  }
  /** A stage, in a fresh checkout of the commit. */
  const stage = async (name: string, file: string, more: Readonly<Record<string, string>> = {}) => {
    const cwd = join(root, 'stages', name)
    execFileSync('git', ['clone', '--quiet', repository.remote, cwd], { env })
    symlinkSync(join(repository.folder, 'node_modules'), join(cwd, 'node_modules'))
    symlinkSync(join(ROOT, 'deploy/gate'), join(cwd, 'deploy/gate'))
    return { cwd, ...(await runBuildspec(`deploy/${file}`, { cwd, env: { ...env, ...more } })) }
  }
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: repository.remote, encoding: 'utf8', stdio: 'pipe' })
  return { root, commit, live, put, env, stage, git }
}

/** What an enclave of that image serves whose security module nobody of AWS's vouches for: any server can be one. */
async function startForgedEnclave(): Promise<string> {
  const nsm = openNsm((await createSoftwareNsm({ pcr0: PCR0, now: Date.now })).request)
  const identity = await createIdentity(Date.now())
  const userData = ingressBinding(identity, Buffer.from('environment: production'))
  const ingress = createIngress(identity.tls, {
    missing: () => [],
    attest: (nonce) => nsm.attest({ nonce, userData }),
    authority: undefined,
    metrics: () => '',
  })
  ingress.listen(0, '127.0.0.1')
  await once(ingress, 'listening')
  onTestFinished(() => void ingress.close())
  return String((ingress.address() as AddressInfo).port) // it listens on TCP
}

/** What the stages put into the bucket, as an approval finds it. */
function waitingIn(root: string, commit: string): Waiting {
  const waiting = waitingFor(commit)
  const bucket = join(root, BUCKET)
  for (const entry of readdirSync(bucket, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) waiting.objects.set(relative(bucket, path), readFileSync(path))
  }
  return waiting
}

const said = ({ status, stdout, stderr }: Ended) => ({ status, stdout, stderr })

it('two builds lead to a signed report, a decision, a proposal and a retirement, by the buildspecs’ own commands', async () => {
  const { root, commit, live, put, env, stage, git } = await pipelineOf()
  put('policy.json', policyOf([LIVE]))

  const build = await stage('build', 'buildspec.yml', { BUILDER: 'first' })
  const rebuild = await stage('rebuild', 'buildspec.yml', { BUILDER: 'second' })
  for (const one of [build, rebuild]) {
    expect(said(one)).toEqual({ status: 0, stdout: `PCR0 ${PCR0}\n`, stderr: '' })
    expect(one.exported).toMatchObject({ ...REGISTERS, COMMIT: commit, EIF_SHA384: hex(EIF) })
  }
  expect(readdirSync(join(rebuild.cwd, 'out')).sort()).toEqual(
    readdirSync(join(build.cwd, 'out'))
      .sort()
      .filter((name) => name !== 'images.txt'), // pushed by one of them only
  )

  const compare = await stage('compare', 'buildspec-compare.yml', {
    CODEBUILD_SRC_DIR_build: join(build.cwd, 'out'),
    CODEBUILD_SRC_DIR_rebuild: join(rebuild.cwd, 'out'),
  })
  expect(said(compare)).toEqual({ status: 0, stdout: `both builds: PCR0 ${PCR0}\nPCR0 ${PCR0}\n`, stderr: '' })
  expect(compare.exported).toEqual({ ...REGISTERS, COMMIT: commit, EIF_SHA384: hex(EIF) })
  const report = join(compare.cwd, 'report')
  expect(JSON.parse(readFileSync(join(report, 'build-summary.json'), 'utf8'))).toMatchObject({
    live: { pcr0: LIVE, commit: live },
    changes: { rules: ['rules/falco/r.yaml: rule "r": priority error -> notice'] },
    allowList: { proposed: [LIVE, PCR0] },
    warnings: [],
  })

  // The reviewer, with the public key that he keeps and an image file that he built himself.
  const waiting = waitingIn(root, commit)
  const reviewer = { cwd: root, env: { ...env, AWS_ENDPOINT_URL: await listening(createGateServer(() => waiting)) } }
  const gate = (...args: readonly string[]) =>
    runChild([process.execPath, join(ROOT, 'operator/main.ts'), 'gate', ...args], reviewer)
  const which = ['--pipeline', PIPELINE, '--repository', REPOSITORY, '--key', 'signing.pem']
  const shown = await gate('show', ...which)
  expect(shown).toMatchObject({ status: 0, stderr: '' })
  expect(shown.stdout).toContain(`- PCR0 \`${PCR0}\``)
  const approved = await gate('approve', ...which, '--eif', 'driftseal.eif', '--rebuilt-by', 'security-reviewer')
  const decision = `PCR0=${PCR0} commit=${commit} rebuilt-by=security-reviewer`
  expect(approved).toEqual({ status: 0, stdout: `APPROVED  ${decision}\n`, stderr: '' })
  expect(waiting.decisions).toEqual([{ status: 'Approved', summary: decision }])

  const after = { PCR0, CODEBUILD_SRC_DIR_report: report }
  const promote = await stage('promote', 'buildspec-promote.yml', { ...after, CHANGE: 'allow' })
  const branch = `driftseal/allow-production-${PCR0.slice(0, 16)}`
  expect(promote).toMatchObject({ status: 0, stderr: '' })
  expect(promote.stdout).toContain(`https://github.com/${REPOSITORY}/compare/main...${branch}`)
  const listOn = (name: string) => JSON.parse(git('show', `${name}:${TFVARS}`)) as unknown
  expect(listOn(branch)).toEqual({ enclave_pcr0_allow_list: [LIVE, PCR0] })
  const [, runner = ''] = /^runner (\S+)$/m.exec(readFileSync(join(build.cwd, 'out/images.txt'), 'utf8')) ?? []
  expect(git('show', `${branch}:deploy/overlays/production/kustomization.yaml`)).toContain(
    `digest: ${runner.split('@')[1]} #`,
  )

  const early = await stage('early', 'buildspec-rollout.yml', after)
  expect(early).toMatchObject({ status: 1, stdout: '' })
  expect(early.stderr).toBe("gate: the key's policy does not let this image in: apply its pull request first\n")

  // Merged and applied. What answers is not vouched for by AWS, and the gate takes no other root.
  git('update-ref', 'refs/heads/main', `refs/heads/${branch}`)
  put('policy.json', policyOf([LIVE, PCR0]))
  const rollout = await stage('rollout', 'buildspec-rollout.yml', {
    ...after,
    INGRESS_PORT: await startForgedEnclave(),
  })
  expect(rollout.status).toBe(1)
  expect(rollout.stdout).toMatch(/waiting for every node.*\nnot rolled out\..*\n {2}kubectl rollout undo .*\n$/)
  expect(rollout.stderr).toMatch(/^gate: .*root.*\n$/)

  const retire = async (name: string, ...images: readonly string[]) => {
    const reported = images.map((pcr0, index) => ({ node: `node-${index}`, pod: `driftseal-${index}`, pcr0 }))
    put(`${name}/reported.json`, JSON.stringify(reported))
    return stage(name, 'buildspec-promote.yml', {
      ...after,
      CHANGE: 'retire',
      CODEBUILD_SRC_DIR_rollout: join(root, name),
    })
  }
  const refused = await retire('one-left', PCR0, LIVE)
  expect(refused.status).toBe(1)
  expect(refused.stderr).toBe(`gate: a node still reports ${LIVE}: roll it over before its image is retired\n`)
  expect(await retire('all-new', PCR0, PCR0)).toMatchObject({ status: 0, stderr: '' })
  expect(listOn(`driftseal/retire-before-production-${PCR0.slice(0, 16)}`)).toEqual({ enclave_pcr0_allow_list: [PCR0] })
})
