import { globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseSettings as parseRunnerSettings } from '../../deploy/runner/settings.ts'
import { parseConfig } from '../../enclave/config.ts'
import { createMetrics } from '../../enclave/metrics.ts'
import { ACTION, STAGE } from '../../operator/gate_pending.ts'
import { parseSettings as parseParentSettings } from '../../parent-proxy/settings.ts'
import { podOf, textOf, written, yamlOf } from '../deploy/manifests.ts'
import { asked } from './access.ts'
import { readModule, readVariables } from './hcl.ts'
import { evaluate } from './iam/evaluate.ts'
import type { Policy, Statement } from './iam/policy.ts'
import { type Fields, readRendering } from './rendering.ts'

// What infra/ and the rest say of the same thing. test/deploy/contracts.test.ts holds deploy/ and the code against each other.

const rendering = readRendering()
const plan = rendering.open
const of = (type: string): readonly Fields[] =>
  Object.entries(plan).flatMap(([address, fields]) => (address.startsWith(`${type}.`) ? [fields] : []))
const namesOf = (type: string): readonly unknown[] => of(type).map(({ name }) => name)

const ACCOUNT = '111122223333'
const config = parseConfig(Buffer.from(textOf('deploy/config.yaml')))
const parent = parseParentSettings(Buffer.from(textOf('deploy/overlays/production/parent-proxy.yaml')))
const runner = parseRunnerSettings(Buffer.from(textOf('deploy/overlays/production/runner.yaml')))

describe('the measured configuration names what Terraform makes', () => {
  const enclave = config.identity?.role ?? ''
  const may = (principal: string, action: string, arn: string) =>
    evaluate(...asked(rendering, { who: { principal }, action, what: { arn }, decision: 'allowed' }))

  it('secrets, queues, ledger, role', () => {
    expect(namesOf('aws_secretsmanager_secret')).toEqual(
      expect.arrayContaining([config.dek_secret, config.identity?.secret]),
    )
    const urls = namesOf('aws_sqs_queue').map(
      (name) => `https://sqs.${config.region}.amazonaws.com/${ACCOUNT}/${String(name)}`,
    )
    expect(urls).toEqual(expect.arrayContaining([config.queue, config.state_queue]))
    expect(of('aws_s3_bucket').map(({ bucket }) => bucket)).toContain(config.ledger?.bucket)
    expect(namesOf('aws_iam_role')).toContain(enclave.split('/').at(-1))
    expect(config.identity?.trust_anchor).toBe(plan['aws_rolesanywhere_trust_anchor.enclave']?.['arn'])
  })

  it('every state is one that the enclave role may read', () => {
    const states = config.states.map(({ bucket, key }) => may(enclave, 's3:GetObject', `arn:aws:s3:::${bucket}/${key}`))
    expect(states).toEqual(config.states.map(() => 'allowed'))
  })

  it('every webhook’s secret is one that the bootstrap role may read', () => {
    const bootstrap = enclave.replace(/enclave$/, 'bootstrap')
    const secrets = config.sinks.flatMap((sink) => (sink.type === 'webhook' ? [sink.secret] : []))
    const arn = (name: string) => `arn:aws:secretsmanager:${config.region}:${ACCOUNT}:secret:${name}-AbCdEf`
    expect(secrets.length).toBeGreaterThan(0)
    for (const name of secrets) expect(may(bootstrap, 'secretsmanager:GetSecretValue', arn(name))).toBe('allowed')
  })
})

describe('metrics', () => {
  const own = of('aws_cloudwatch_metric_alarm').filter(({ namespace }) => namespace === 'DriftSeal')
  const sent = [...Object.keys(createMetrics().report().counts), 'EventToAlertLatency']

  it('every alarm is on a metric that the enclave sends, and each that it sends has an alarm', () => {
    expect([...new Set(own.map((alarm) => String(alarm['metric_name'])))].sort()).toEqual(sent.sort())
  })

  it('under the same namespace and dimension', () => {
    const source = textOf('enclave/adapters/cloudwatch.ts')
    expect(source).toContain("const NAMESPACE = 'DriftSeal'")
    expect(source).toContain("{ Name: 'Environment', Value: environment }")
    for (const { dimensions } of own) expect(dimensions).toEqual({ Environment: config.environment })
  })
})

describe('the cluster', () => {
  const nitro = plan['aws_eks_node_group.nitro'] ?? {}
  const placed = ['base', 'device-plugin']
    .flatMap((folder) => written(folder))
    .filter(({ kind }) => kind === 'DaemonSet')

  it.each(placed.map((one) => [one.metadata.name, podOf(one)] as const))('%s fits its nodes', (_name, pod) => {
    expect(nitro['labels']).toMatchObject(pod['nodeSelector'] as object)
    const taints = (nitro['taint'] as { key: string; value: string; effect: string }[]).map(
      ({ key, value, effect }) => ({
        key,
        operator: 'Equal',
        value,
        effect: effect === 'NO_SCHEDULE' ? 'NoSchedule' : effect,
      }),
    )
    expect(pod['tolerations']).toEqual(taints)
  })

  it('Pod Identity gives the bootstrap role to the pod’s own service account', () => {
    const [association] = of('aws_eks_pod_identity_association')
    const driftseal = placed.find(({ metadata }) => metadata.name === 'driftseal')
    expect(association?.['service_account']).toBe(driftseal && podOf(driftseal)['serviceAccountName'])
    expect(association?.['namespace']).toBe((yamlOf('deploy/base/kustomization.yaml') as Fields)['namespace'])
  })

  it('the enclave takes what nodes set aside by default', async () => {
    const { variables } = await readModule('infra')
    expect(variables['enclave_memory_mib']?.[0]?.['default']).toBe(runner.memory_mib)
    expect(variables['enclave_cpu_count']?.[0]?.['default']).toBe(runner.cpu_count)
  })

  it('every group that an access entry names has a role in the namespace', () => {
    const bound = written('base').flatMap(({ kind, ...rest }) =>
      kind === 'RoleBinding' ? (rest['subjects'] as { name: string }[]).map(({ name }) => name) : [],
    )
    const groups = of('aws_eks_access_entry').flatMap((entry) => (entry['kubernetes_groups'] ?? []) as string[])
    expect(groups).toContain('driftseal:rollout')
    expect(bound).toEqual(expect.arrayContaining(groups))
  })

  it('every image that an overlay names has a repository', () => {
    const { images } = yamlOf('deploy/overlays/production/kustomization.yaml') as { images: { newName: string }[] }
    const registry = `${ACCOUNT}.dkr.ecr.${config.region}.amazonaws.com`
    const repositories = namesOf('aws_ecr_repository').map((name) => `${registry}/${String(name)}`)
    expect(repositories).toEqual(expect.arrayContaining(images.map(({ newName }) => newName)))
  })

  it('every host of AWS that the parent lets through has an endpoint in the VPC', () => {
    const services = parent.egress.allow.flatMap(
      (entry) => /([a-z]+)\.[a-z0-9-]+\.amazonaws\.com:443$/.exec(entry)?.[1] ?? [],
    )
    const endpoints = of('aws_vpc_endpoint').map(({ service_name: name }) => String(name).split('.').at(-1))
    expect(services).toContain('kms')
    expect(endpoints).toEqual(expect.arrayContaining(services))
  })
})

it('the rotation function is given what it reads', async () => {
  const { resource } = (await readVariables('infra/rotation.tf')) as {
    resource: { aws_lambda_function: { rotation: [{ environment: [{ variables: Fields }] }] } }
  }
  const given = Object.keys(resource.aws_lambda_function.rotation[0].environment[0].variables)
  const read = Array.from(textOf('deploy/rotation/main.ts').matchAll(/setting\('(\w+)'\)/g), ([, name = '']) => name)
  expect(given.sort()).toEqual(read.sort())
})

describe('the pipeline', () => {
  interface Action extends Fields {
    readonly name: string
    readonly namespace?: string
    readonly input_artifacts?: readonly string[]
    readonly configuration?: Readonly<Record<string, string>>
  }
  const stages = plan['aws_codepipeline.this']?.['stage'] as { name: string; action: Action[] }[]
  const actions = stages.flatMap(({ action }) => action)
  const runsOf = (project: Fields) =>
    actions.filter(({ configuration }) => configuration?.['ProjectName'] === project['name'])
  const buildspecOf = (project: Fields): string => (project['source'] as [{ buildspec: string }])[0].buildspec
  const variablesOf = (list: unknown) => (list as { name: string }[]).map(({ name }) => name)

  it('every buildspec is a project’s, and the other way round', () => {
    const named = of('aws_codebuild_project').map(buildspecOf)
    expect([...new Set(named)].sort()).toEqual(globSync('deploy/buildspec*.yml').sort())
  })

  it.each(of('aws_codebuild_project').map((one) => [one['name'], one] as const))(
    '%s is given what it reads',
    (_name, project) => {
      const text = textOf(buildspecOf(project))
      const { env } = parse(text) as { env: { variables: Fields } }
      const scripts = Array.from(text.matchAll(/bash (deploy\/\S+\.sh)/g), ([, script = '']) => textOf(script))
      const all = [text, ...scripts].join('\n')
      const environment = (project['environment'] as [{ environment_variable: unknown }])[0].environment_variable
      const runs = runsOf(project)
      expect(runs.length).toBeGreaterThan(0)
      const given = new Set([
        ...Object.keys(env.variables),
        ...variablesOf(environment),
        ...runs.flatMap(({ configuration }) =>
          variablesOf(JSON.parse(configuration?.['EnvironmentVariables'] ?? '[]')),
        ),
        ...runs.flatMap(({ input_artifacts: names = [] }) => names.map((name) => `CODEBUILD_SRC_DIR_${name}`)),
        ...Array.from(all.matchAll(/(?:^|export |" )([A-Z][A-Z0-9_]*)=/gm), ([, name = '']) => name),
        'CODEBUILD_BUILD_NUMBER',
      ])
      const read = Array.from(all.matchAll(/\$\{?(CODEBUILD_SRC_DIR_[a-z]+|[A-Z][A-Z0-9_]*)/g), ([, name = '']) => name)
      expect([...new Set(read)].filter((name) => !given.has(name))).toEqual([])
    },
  )

  it('what one action takes from another, the other’s buildspec exports', () => {
    const taken = Array.from(JSON.stringify(stages).matchAll(/#\{(Build|Rebuild|Compare)\.(\w+)\}/g))
    expect(taken.length).toBeGreaterThan(0)
    for (const [, namespace, variable] of taken) {
      const from = actions.find((action) => action.namespace === namespace)?.configuration?.['ProjectName']
      const project = of('aws_codebuild_project').find(({ name }) => name === from) ?? {}
      const { env } = parse(textOf(buildspecOf(project))) as { env: { 'exported-variables': string[] } }
      expect(env['exported-variables']).toContain(variable)
    }
  })

  it('the operator’s gate asks for the stage and action that are there', () => {
    expect(stages.find(({ name }) => name === STAGE)?.action.map(({ name }) => name)).toContain(ACTION)
  })
})

it('certificates are issued under the names that the role’s trust asks for', () => {
  expect(textOf('enclave/authority.ts')).toContain('`CN=DriftSeal ${environment}`')
  expect(JSON.stringify(plan['aws_iam_role.enclave'])).toContain(`"DriftSeal ${config.environment}"`)
})

it.each(['enclave/unwrap.ts', 'deploy/rotation/rotate.ts'])(
  '%s: the encryption context of the key’s policy',
  (file) => {
    const { policy } = plan['aws_kms_key.enclave_dek'] as { policy: Policy & { Statement: readonly Statement[] } }
    const { Condition } = policy.Statement.find(({ Sid }) => Sid === 'AttestedDecrypt') ?? {}
    const wanted = Object.entries(Condition?.['StringEquals'] ?? {}).map(([key, value]) => [key.split(':')[2], value])
    expect(Object.fromEntries(wanted)).toEqual({
      service: 'driftseal',
      environment: config.environment,
      purpose: ['dek', 'identity', 'webhook'],
    })
    expect(textOf(file)).toMatch(/\{ service: 'driftseal', environment(: config\.environment)?, purpose \}/)
  },
)
