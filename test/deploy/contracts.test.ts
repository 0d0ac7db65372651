import { describe, expect, it } from 'vitest'
import { parseSettings as parseRunnerSettings } from '../../deploy/runner/settings.ts'
import { allowedHosts, parseConfig } from '../../enclave/config.ts'
import { parseSettings as parseParentSettings } from '../../parent-proxy/settings.ts'
import { allowlist, parseTarget } from '../../parent-proxy/target.ts'
import { containersOf, type Manifest, podOf, textOf, written, yamlOf } from './manifests.ts'

const bytes = (file: string) => Buffer.from(textOf(file))
const all = written('base')
const driftseal = all.find(({ kind }) => kind === 'DaemonSet') as Manifest // test/deploy/manifests.test.ts has it

describe('what is said in two places', () => {
  const parent = parseParentSettings(bytes('deploy/overlays/production/parent-proxy.yaml'))
  const runner = parseRunnerSettings(bytes('deploy/overlays/production/runner.yaml'))
  const config = parseConfig(bytes('deploy/config.yaml'))
  const byName = new Map(containersOf(podOf(driftseal)).map((one) => [one.name, one]))
  const portOf = (name: string) => byName.get(name)?.ports?.map(({ containerPort }) => containerPort)
  const mountOf = (name: string, volume: string) =>
    byName.get(name)?.volumeMounts.find((mount) => mount.name === volume)?.mountPath

  it('the CID', () => {
    expect(parent.enclave_cid).toBe(runner.cid)
    expect(parent.ingress.enclave).toEqual({ kind: 'vsock', cid: runner.cid, port: 8443 })
  })

  it('the enclave’s memory', () => {
    expect(byName.get('runner')?.resources.limits['hugepages-2Mi']).toBe(`${runner.memory_mib / 1024}Gi`)
  })

  it('ports', () => {
    expect(portOf('parent-proxy')).toEqual([parent.ingress.listen.port])
    expect(portOf('runner')).toEqual([runner.port])
    const policies = JSON.stringify(all.filter(({ kind }) => kind === 'NetworkPolicy'))
    for (const port of [parent.ingress.listen.port, runner.port]) expect(policies).toContain(`"port":${port}`)
  })

  it('vsock addresses of the parent, in its settings and in the enclave', () => {
    const main = textOf('enclave/main.ts')
    for (const [{ listen }, port] of [
      [parent.egress, 8001],
      [parent.services, 8002],
    ] as const) {
      expect(listen).toEqual({ kind: 'vsock', cid: 3, port })
      expect(main).toContain(`'vsock://3:${port}'`)
    }
  })

  it('folders and files', () => {
    expect(mountOf('parent-proxy', 'blobs')).toBe(parent.services.blobs)
    for (const name of ['parent-proxy', 'runner']) {
      const dockerfile = textOf(`deploy/Dockerfile.${name}`)
      expect(dockerfile).toContain(`"${mountOf(name, 'settings')}/${name}.yaml"]`)
    }
    expect(textOf('deploy/images/rootfs.ts')).toContain(`'${runner.eif}'`)
  })

  it('the environment', () => {
    expect(runner.environment).toBe(config.environment)
  })

  it('every host that the enclave may reach, the parent lets it reach', () => {
    const allows = allowlist(parent.egress.allow)
    const refused = [...allowedHosts(config)].filter((host) => {
      const target = parseTarget(`${host}:443`)
      return target === undefined || !allows(target)
    })
    expect(refused).toEqual([])
  })

  it('what the node prepares, and what the pod finds', () => {
    const prepared = textOf('infra/templates/node_userdata.sh.tpl')
    const { runAsUser, runAsGroup } = byName.get('parent-proxy')?.securityContext ?? {}
    expect(prepared).toContain(`-o ${String(runAsUser)} -g ${String(runAsGroup)} ${parent.services.blobs}\n`)
    const { localhostProfile } = podOf(driftseal).securityContext.seccompProfile
    expect(prepared).toContain(`>/var/lib/kubelet/seccomp/${localhostProfile}\n`)
  })

  it('namespace and service account, here and in infra', () => {
    const locals = textOf('infra/locals.tf')
    const { namespace } = yamlOf('deploy/base/kustomization.yaml') as { namespace: string }
    expect(/^ {2}namespace\s+= "(.*)"/m.exec(locals)?.[1]).toBe(namespace)
    expect(/^ {2}service_account\s+= "(.*?)"/m.exec(locals)?.[1]).toBe(podOf(driftseal)['serviceAccountName'])
  })
})
