import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSettings as parseRunnerSettings } from '../../deploy/runner/settings.ts'
import {
  containersOf,
  DEPLOY,
  HAS_KUBECTL,
  type Manifest,
  podOf,
  problemsOf,
  rendered,
  ROOT,
  written,
  yamlOf,
} from './manifests.ts'

const NAMES = ['base', 'device-plugin'] as const
const all = NAMES.flatMap(written)
const sets = all.filter(({ kind }) => kind === 'DaemonSet')
const driftseal = sets.find(({ metadata }) => metadata.name === 'driftseal') as Manifest
const pods = sets.map((set) => [set.metadata.name, podOf(set)] as const)
const containers = pods.flatMap(([name, pod]) => containersOf(pod).map((one) => [`${name}/${one.name}`, one] as const))

describe('each manifest', () => {
  it.each(all.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const))(
    '%s is one that Kubernetes knows',
    (_, one) => {
      expect(problemsOf(one)).toEqual([])
    },
  )

  it.each([
    ['a field in the wrong place', (pod: Record<string, unknown>) => (pod['readOnlyRootFilesystem'] = true)],
    ['a wrong type', (pod: Record<string, unknown>) => (pod['hostNetwork'] = 'no')],
    ['a field that is missing', (pod: Record<string, unknown>) => delete pod['containers']],
  ])('is refused with %s', (_, damage) => {
    const copy = structuredClone(driftseal)
    damage(podOf(copy))
    expect(problemsOf(copy)).not.toEqual([])
  })

  it.each(sets.map((set) => [set.metadata.name, set] as const))('%s selects the pods that it makes', (_, set) => {
    const { selector, template } = set['spec'] as {
      selector: { matchLabels: object }
      template: { metadata: { labels: object } }
    }
    expect(template.metadata.labels).toMatchObject(selector.matchLabels)
  })

  it('the service and the policy select the pods of the DaemonSet', () => {
    const labels = (driftseal['spec'] as { selector: { matchLabels: object } }).selector.matchLabels
    const service = all.find(({ kind }) => kind === 'Service')?.['spec']
    const policy = all.find((one) => one.kind === 'NetworkPolicy' && one.metadata.name === 'driftseal')?.['spec']
    expect(service).toMatchObject({ selector: labels, publishNotReadyAddresses: true })
    expect(policy).toMatchObject({ podSelector: { matchLabels: labels }, policyTypes: ['Ingress', 'Egress'] })
  })

  it('nothing is allowed that no policy allows', () => {
    const policy = all.find((one) => one.metadata.name === 'default-deny')?.['spec']
    expect(policy).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })
})

describe('each pod', () => {
  it.each(pods)('%s shares nothing with the node and has no token (K8S 17 to 19, 38)', (_, pod) => {
    expect(pod).toMatchObject({
      hostNetwork: false,
      hostPID: false,
      hostIPC: false,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
    })
    expect(pod['serviceAccountName']).not.toBe('default')
  })

  it.each(pods)('%s runs where infra makes room for enclaves, and nowhere else', (_, pod) => {
    expect(pod).toMatchObject({
      nodeSelector: { 'aws-nitro-enclaves-k8s-dp': 'enabled' },
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'nitro-enclave', effect: 'NoSchedule' }],
    })
  })

  it.each(sets.map((set) => [set.metadata.name, set] as const))(
    '%s is replaced one at a time, the old first',
    (_, set) => {
      expect(set['spec']).toMatchObject({ updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } })
    },
  )

  it.each(pods)(
    '%s has a seccomp profile, of those that are there (K8S 31)',
    (_, { securityContext: { seccompProfile } }) => {
      const profiles = readdirSync(join(DEPLOY, 'seccomp'))
      expect(seccompProfile.type === 'RuntimeDefault' || profiles.includes(seccompProfile.localhostProfile ?? '')).toBe(
        true,
      )
    },
  )

  it.each(pods)('%s mounts what it has, and has what it mounts', (_, pod) => {
    const mounted = new Set(containersOf(pod).flatMap((one) => one.volumeMounts.map(({ name }) => name)))
    expect([...mounted].sort()).toEqual(pod.volumes.map(({ name }) => name).sort())
  })

  it('the role lets people look and no more, and no workload has one', () => {
    const role = all.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'driftseal-observer')
    const rules = role?.['rules'] as { verbs: string[]; resources: string[] }[]
    expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']))
    expect(rules.flatMap(({ resources }) => resources)).not.toContain('secrets')
    const bindings = all.filter(({ kind }) => kind === 'RoleBinding')
    const subjects = bindings.flatMap((one) => one['subjects'] as { kind: string }[])
    expect(new Set(subjects.map(({ kind }) => kind))).toEqual(new Set(['Group']))
  })
})

describe('each container', () => {
  it.each(containers)('%s is neither privileged nor may become so (K8S 16, 20)', (_, { securityContext }) => {
    expect(securityContext).toMatchObject({ privileged: false, allowPrivilegeEscalation: false })
  })

  it.each(containers)('%s writes nothing but to its volumes (K8S 22)', (_, { securityContext }) => {
    expect(securityContext['readOnlyRootFilesystem']).toBe(true)
  })

  it.each(containers)('%s has no capability (K8S 28, 37)', (_, { securityContext }) => {
    expect(securityContext.capabilities).toEqual({ drop: ['ALL'] })
  })

  it.each(containers)('%s says what it needs (K8S 10 to 13)', (_, { resources: { requests, limits } }) => {
    expect(requests).toMatchObject({ cpu: expect.any(String) as string, memory: limits['memory'] })
    expect(limits['cpu']).toBeDefined()
  })

  it('only those that open a device of root are root', () => {
    const roots = containers.filter(([, { securityContext }]) => securityContext['runAsUser'] === 0)
    expect(roots.map(([name]) => name)).toEqual(['driftseal/runner', 'nitro-enclaves-device-plugin/device-plugin'])
    const others = containers.filter(([, { securityContext }]) => securityContext['runAsUser'] !== 0)
    for (const [, { securityContext }] of others) expect(securityContext['runAsNonRoot']).toBe(true)
  })

  it('the runner requests an enclave and its memory, in requests as in limits', () => {
    const { requests, limits } = containers.find(([name]) => name === 'driftseal/runner')?.[1].resources ?? {}
    for (const name of ['aws.ec2.nitro/nitro_enclaves', 'hugepages-2Mi']) {
      expect(requests?.[name]).toBeDefined()
      expect(limits?.[name]).toBe(requests?.[name])
    }
  })
})

describe.skipIf(!HAS_KUBECTL)('as kubectl renders it', () => {
  const overlays = readdirSync(join(DEPLOY, 'overlays'))

  it.each(overlays)('%s is known, placed and whole', (overlay) => {
    const manifests = rendered(`overlays/${overlay}`)
    expect(manifests.flatMap(problemsOf)).toEqual([])
    const maps = manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)
    for (const set of manifests.filter(({ kind }) => kind === 'DaemonSet')) {
      const pod = podOf(set)
      for (const { image } of containersOf(pod)) expect(image).toMatch(/^\S+\/\S+@sha256:[0-9a-f]{64}$/) // K8S 43
      expect(maps).toEqual(expect.arrayContaining(pod.volumes.flatMap(({ configMap }) => configMap?.name ?? [])))
    }
    const homeless = manifests.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace === undefined)
    expect(homeless).toEqual([])
  })

  it.each(overlays)('%s shows the console only where nothing is kept from it', (overlay) => {
    const map = rendered(`overlays/${overlay}`).find(({ kind }) => kind === 'ConfigMap')?.['data'] as Record<
      string,
      string
    >
    const { debug, environment } = parseRunnerSettings(Buffer.from(map['runner.yaml'] ?? ''))
    expect({ debug, environment }).toEqual(
      overlay === 'debug' ? { debug: true, environment: 'debug' } : { debug: false, environment: overlay },
    )
  })
})

it('every file of the manifests is part of one', () => {
  for (const folder of [...NAMES, 'monitoring']) {
    const { resources } = yamlOf(`deploy/${folder}/kustomization.yaml`) as { resources: string[] }
    const files = readdirSync(join(ROOT, 'deploy', folder)).filter((name) =>
      /(?<!\.test|kustomization)\.yaml$/.test(name),
    )
    expect(files.sort()).toEqual([...resources].sort())
  }
})
